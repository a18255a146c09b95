import { isEtcdError } from "../errors/etcd-error.ts";
import type { Session } from "../lease/session.ts";
import type { CallOptions } from "../transport/call-options.ts";
import { compare } from "../txn/compare.ts";
import { op } from "../txn/op.ts";
import { claim } from "./claims.ts";
import { cleanUp } from "./clean-up.ts";
import type { QueueClient } from "./queue-client.ts";

/** What is claimed, and for whom. */
export interface Claim {
  readonly session: Session;
  /** The key that is made. */
  readonly key: string;
  /** What nobody else may use with this session meanwhile. */
  readonly name: string;
}

/** Runs `make`, which makes a key of the session, with a name claimed; takes back claim and key when it fails. */
export async function claimed<T>(
  client: Pick<QueueClient, "txn" | "keyPrefix">,
  { session, key, name }: Claim,
  make: (unclaim: () => void) => Promise<T>,
): Promise<T> {
  if (session.signal.aborted) throw session.signal.reason;
  // Two users of one session would share one key, and both believe to own it; Go's mutex lets that happen.
  // A session may serve several namespaces, and a name is another one in each.
  const inFull = Buffer.concat([client.keyPrefix ?? Buffer.alloc(0), Buffer.from(name)]).toString("latin1");
  const unclaim = claim(session, inFull, `${name} is held or waited for with this session already`);
  try {
    return await make(unclaim);
  } catch (error) {
    const applied = isEtcdError(error) && error.outcome !== "notApplied";
    await cleanUp(session, async (limits) => {
      // Its create revision is unknown, but while it is claimed no other use of the session can have made it.
      if (applied && !session.signal.aborted) await deleteByLease(client, key, session.leaseId, limits);
      unclaim();
    });
    throw error;
  }
}

async function deleteByLease(
  client: Pick<QueueClient, "txn">,
  key: string,
  leaseId: bigint,
  options: CallOptions,
): Promise<void> {
  await client
    .txn()
    .if(compare(key).lease.equals(leaseId))
    .then(op.delete(key))
    .commit({ ...options, repeatable: true });
}
