import { isEtcdError } from "../errors/etcd-error.ts";
import type { KeyValue } from "../kv/key-value.ts";
import { compare, type Compare } from "../txn/compare.ts";
import { op } from "../txn/op.ts";
import type { TxnResult } from "../txn/txn-types.ts";
import type { IsolationRules } from "./isolation.ts";
import type { Attempt, Prefetched, Read, StmClient, Write } from "./transaction.ts";

export type CommitResult =
  { readonly committed: true; readonly revision: bigint } | ({ readonly committed: false } & Prefetched);

/** Writes what an attempt decided, if what the isolation asks for still holds; else tells what has become of its reads. */
export async function commit(
  client: StmClient,
  rules: IsolationRules,
  attempt: Attempt,
): Promise<CommitResult> {
  const { signal } = attempt;
  const reads = [...attempt.reads];
  const conditions = conditionsOf(rules, attempt);
  // Reads of one revision need no proof: that is where the transaction took place.
  const nothingToProve = rules.snapshot || conditions.length === 0;
  if (attempt.writes.size === 0 && nothingToProve) return { committed: true, revision: attempt.revision };

  const refreshed = conditions.length === 0 ? [] : reads.map(([, { key }]) => op.get(key));
  const txn = client
    .txn()
    .if(...conditions)
    .then(...[...attempt.writes.values()].map((write) => write.op))
    .else(...refreshed);
  const send = async (): Promise<CommitResult> => toResult(reads, await txn.commit({ signal }));
  try {
    return await send();
  } catch (error) {
    const open = isEtcdError(error) && error.outcome === "unknown" && !signal.aborted;
    if (!open || !rules.checkReads || !writtenReads(attempt).some(({ kv }) => kv !== undefined)) throw error;
    // One of the conditions is on a key that exists and that this very transaction changes, so at most one of two sendings
    // can find it true: the second cannot do what the first did once more.
    const second = await send().catch(() => undefined);
    if (second === undefined || !(second.committed || refutesFirst(attempt, second))) throw error;
    return second;
  }
}

function conditionsOf(rules: IsolationRules, { reads, writes, revision }: Attempt): Compare[] {
  const conditions: Compare[] = [];
  if (rules.checkReads) {
    for (const { key, kv } of reads.values()) {
      conditions.push(compare(key).modRevision.equals(kv?.modRevision ?? 0n));
    }
  }
  if (rules.checkWrites && reads.size > 0) {
    for (const [id, { key }] of writes) {
      if (!reads.has(id)) conditions.push(compare(key).modRevision.lessThan(revision + 1n));
    }
  }
  return conditions;
}

/** The keys that were both read and written. */
function writtenReads({ reads, writes }: Attempt): Read[] {
  return [...reads].filter(([id]) => writes.has(id)).map(([, read]) => read);
}

/**
 * Whether the second answer proves that the first sending did nothing and never will. It never will when a key it depends
 * on has changed, unless that key did not exist, which may come again. It did nothing when a key it would have changed is
 * as it was, or was changed into something else.
 */
function refutesFirst(attempt: Attempt, { reads }: Prefetched): boolean {
  let never = false;
  let nothing = false;
  for (const [id, { kv: seen }] of attempt.reads) {
    if (seen === undefined) continue;
    const now = reads.get(id)?.kv;
    const same = now?.modRevision === seen.modRevision;
    const write = attempt.writes.get(id);
    if (!same) never = true;
    if (write !== undefined && (same || isByAnother(write, seen, now))) nothing = true;
  }
  return never && nothing;
}

/** Whether the one change of a key since it was seen is certainly not this one. */
function isByAnother({ kv: mine }: Write, seen: KeyValue, now: KeyValue | undefined): boolean {
  if (now?.createRevision !== seen.createRevision) return false;
  // A key that was deleted would have been created anew.
  if (mine === undefined) return true;
  return now.version === seen.version + 1n && !now.value.equals(mine.value);
}

function toResult(
  reads: readonly (readonly [string, Read])[],
  { succeeded, revision, results }: TxnResult,
): CommitResult {
  if (succeeded) return { committed: true, revision };
  const now = results as readonly (KeyValue | undefined)[];
  return {
    committed: false,
    revision,
    reads: new Map(reads.map(([id, { key }], index) => [id, { key, kv: now[index] }])),
  };
}
