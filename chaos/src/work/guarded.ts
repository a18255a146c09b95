import { type Compare, type GuardedTxn, op } from "@quorumkit/core";
import { CALL_MS, GUARDED } from "../names.ts";
import { alarmUnlessEtcd, type Place, recorded } from "./place.ts";

/** A lock that is held, or a leadership. */
export interface Owner {
  readonly name: string;
  readonly key: string;
  readonly fencingToken: bigint;
  guard(): Compare;
  txn(): GuardedTxn;
}

let writes = 0;

/** Writes what only the present owner may, by a transaction that etcd is to refuse to anybody else. */
export async function writeGuarded(place: Place, owner: Owner): Promise<void> {
  const { key, value } = target(place, owner);
  const write = owner.txn().then(op.put(key, value)).commit({ timeoutMs: CALL_MS });
  const pending = place.journal.invoke("guarded.write", { key, value });
  await recorded(place, pending, write, ({ revision }) => ({ revision: String(revision) }));
  place.tally.add("guarded.write");
}

/** The same without asking the owner's own clock first: what a process does that looked, was stopped, and goes on. */
export async function writeLate(place: Place, owner: Owner): Promise<void> {
  const { key, value } = target(place, owner);
  const pending = place.journal.invoke("guarded.late", { key, value });
  const txn = place.etcd.txn().if(owner.guard()).then(op.put(key, value)).else(op.get(owner.key));
  const told = ({ succeeded, revision }: { succeeded: boolean; revision: bigint }): unknown => ({
    succeeded,
    revision: String(revision),
  });
  try {
    const { succeeded } = await recorded(place, pending, txn.commit({ timeoutMs: CALL_MS }), told);
    if (!succeeded) place.tally.add("late write refused");
  } catch (error) {
    alarmUnlessEtcd(place, error);
  }
}

function target(place: Place, owner: Owner): { key: string; value: string } {
  const value = {
    by: `${place.name}.${place.life}.g.${(writes += 1)}`,
    name: owner.name,
    token: String(owner.fencingToken),
  };
  return { key: GUARDED + owner.name.replaceAll("/", "-"), value: JSON.stringify(value) };
}
