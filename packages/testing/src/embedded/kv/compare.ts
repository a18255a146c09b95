import { CompareResult, CompareTarget } from "@quorumkit/proto";
import type { Compare, KeyValue } from "@quorumkit/proto";
import type { Reader } from "../mvcc/store.ts";

const noBytes = Buffer.alloc(0);

type Compared = Pick<KeyValue, "value" | "createRevision" | "modRevision" | "version" | "lease">;

const missing: Compared = { value: noBytes, createRevision: 0n, modRevision: 0n, version: 0n, lease: 0n };

/**
 * Whether a compare holds, for every key of its span. Where there is none, revisions, version and lease count as 0, and
 * no compare of a value holds. Source: etcd, server/etcdserver/txn/txn.go.
 */
export function holds(reader: Reader, compare: Compare): boolean {
  if (compare.rangeEnd.length === 0) {
    const kv = reader.get(compare.key);
    return kv === undefined ? holdsWithout(compare) : holdsFor(compare, kv);
  }
  const { kvs } = reader.read(compare);
  return kvs.length === 0 ? holdsWithout(compare) : kvs.every((kv) => holdsFor(compare, kv));
}

function holdsWithout(compare: Compare): boolean {
  return compare.target !== CompareTarget.VALUE && holdsFor(compare, missing);
}

function holdsFor(compare: Compare, kv: Compared): boolean {
  const order = orderOf(compare, kv);
  switch (compare.result) {
    case CompareResult.EQUAL:
      return order === 0;
    case CompareResult.NOT_EQUAL:
      return order !== 0;
    case CompareResult.GREATER:
      return order > 0;
    case CompareResult.LESS:
      return order < 0;
    default:
      // A relation that etcd does not know holds.
      return true;
  }
}

/** Less than, equal to or greater than 0 as the key is less than, equal to or greater than what was given. */
function orderOf(compare: Compare, kv: Compared): number {
  switch (compare.target) {
    case CompareTarget.VALUE:
      return kv.value.compare(compare.value ?? noBytes);
    case CompareTarget.CREATE:
      return orderOfInts(kv.createRevision, compare.createRevision);
    case CompareTarget.MOD:
      return orderOfInts(kv.modRevision, compare.modRevision);
    case CompareTarget.VERSION:
      return orderOfInts(kv.version, compare.version);
    case CompareTarget.LEASE:
      return orderOfInts(kv.lease, compare.lease);
    default:
      return 0;
  }
}

function orderOfInts(found: bigint, given: bigint = 0n): number {
  return found < given ? -1 : Number(found > given);
}
