import type { RequestOp } from "@quorumkit/proto";
import { errors } from "../errors.ts";
import { nameOf } from "../mvcc/key-span.ts";

interface Deleted {
  readonly start: string;
  readonly end: string;
}

/** What a list of operations writes, nested transactions counted in. */
interface Writes {
  readonly puts: Set<string>;
  readonly deletes: Deleted[];
}

function isDeleted(name: string, deletes: readonly Deleted[]): boolean {
  // A delete from a key on is sent with the end "\0", which etcd takes for an end before the start: it overlaps nothing.
  return deletes.some(({ start, end }) => start <= name && name < end);
}

function putOnce(name: string, { puts, deletes }: Writes, alsoFine?: ReadonlySet<string>): void {
  if (puts.has(name) && !alsoFine?.has(name)) throw errors.duplicateKey();
  if (isDeleted(name, deletes)) throw errors.duplicateKey();
  puts.add(name);
}

/**
 * Refuses operations that would put a key twice, or put a key that another of them deletes. The two branches of a nested
 * transaction exclude each other, so both may put a key. As in etcd (`checkIntervals` in
 * server/etcdserver/api/v3rpc/key.go), a nested put is not held against the deletes of a later nested transaction.
 */
export function checkOverlaps(ops: readonly RequestOp[]): void {
  // Nothing to compare with, in most transactions.
  if (ops.length > 1 || ops[0]?.requestTxn) writesOf(ops);
}

function writesOf(ops: readonly RequestOp[]): Writes {
  const writes: Writes = { puts: new Set(), deletes: [] };
  for (const { requestDeleteRange } of ops) {
    if (!requestDeleteRange) continue;
    const start = nameOf(requestDeleteRange.key);
    const { rangeEnd } = requestDeleteRange;
    writes.deletes.push({ start, end: rangeEnd.length > 0 ? nameOf(rangeEnd) : `${start}\0` });
  }
  for (const { requestTxn } of ops) {
    if (!requestTxn) continue;
    const success = writesOf(requestTxn.success);
    const failure = writesOf(requestTxn.failure);
    for (const name of success.puts) putOnce(name, writes);
    for (const name of failure.puts) putOnce(name, writes, success.puts);
    writes.deletes.push(...success.deletes, ...failure.deletes);
  }
  for (const { requestPut } of ops) if (requestPut) putOnce(nameOf(requestPut.key), writes);
  return writes;
}
