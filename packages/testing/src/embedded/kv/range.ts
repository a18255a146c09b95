import { SortOrder, SortTarget } from "@quorumkit/proto";
import type { KeyValue, RangeRequest, RangeResponseInput } from "@quorumkit/proto";
import type { Reader } from "../mvcc/store.ts";
import type { KvRules } from "./rules.ts";

const noBytes = Buffer.alloc(0);

/**
 * Answers a range. Source: etcd, server/etcdserver/txn/range.go, with its order of steps: limit (only where neither
 * order nor filters need all keys), filters, order, limit. `count` is that of the span and knows no filters.
 */
export function readRange(reader: Reader, request: RangeRequest, rules: KvRules): RangeResponseInput {
  const limit = limitOf(request);
  const isWhole = request.sortOrder !== SortOrder.NONE || hasRevisionFilters(request);
  const { kvs, count, revision } = reader.read(request, {
    revision: request.revision,
    // One more tells whether there is more.
    limit: isWhole || limit === 0 ? 0 : limit + 1,
    countOnly: request.countOnly,
  });
  const found = sorted(filtered(kvs, request), request);
  const more = limit > 0 && found.length > limit;
  if (more) found.length = limit;
  return {
    header: { revision },
    kvs: request.keysOnly ? found.map((kv) => withoutValue(kv, request, rules)) : found,
    more,
    count: BigInt(count),
  };
}

export function hasRevisionFilters(request: RangeRequest): boolean {
  return (
    request.minModRevision !== 0n ||
    request.maxModRevision !== 0n ||
    request.minCreateRevision !== 0n ||
    request.maxCreateRevision !== 0n
  );
}

/** 0: no limit. */
function limitOf({ limit }: RangeRequest): number {
  return limit > 0n && limit < BigInt(Number.MAX_SAFE_INTEGER) ? Number(limit) : 0;
}

function filtered(kvs: KeyValue[], request: RangeRequest): KeyValue[] {
  if (!hasRevisionFilters(request)) return kvs;
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  return kvs.filter(
    ({ modRevision, createRevision }) =>
      (maxModRevision === 0n || modRevision <= maxModRevision) &&
      (minModRevision === 0n || modRevision >= minModRevision) &&
      (maxCreateRevision === 0n || createRevision <= maxCreateRevision) &&
      (minCreateRevision === 0n || createRevision >= minCreateRevision),
  );
}

function compareInts(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}

const comparers: Record<SortTarget, (a: KeyValue, b: KeyValue) => number> = {
  [SortTarget.KEY]: (a, b) => a.key.compare(b.key),
  [SortTarget.VERSION]: (a, b) => compareInts(a.version, b.version),
  [SortTarget.CREATE]: (a, b) => compareInts(a.createRevision, b.createRevision),
  [SortTarget.MOD]: (a, b) => compareInts(a.modRevision, b.modRevision),
  [SortTarget.VALUE]: (a, b) => a.value.compare(b.value),
};

/** Equal ones stay in the order of their keys. (etcd's sort keeps it up to 12 keys; beyond, its order of equals is undefined.) */
function sorted(kvs: KeyValue[], { sortOrder, sortTarget }: RangeRequest): KeyValue[] {
  const compare = comparers[sortTarget];
  if (sortOrder === SortOrder.DESCEND) return kvs.sort((a, b) => compare(b, a));
  // Without an order, any target but the key is sorted upwards.
  return sortTarget === SortTarget.KEY ? kvs : kvs.sort(compare);
}

function withoutValue(kv: KeyValue, { sortTarget }: RangeRequest, rules: KvRules): KeyValue {
  const omitsLease = rules.keysOnlyOmitsLease && sortTarget !== SortTarget.VALUE;
  return {
    key: kv.key,
    createRevision: kv.createRevision,
    modRevision: kv.modRevision,
    version: kv.version,
    value: noBytes,
    lease: omitsLease ? 0n : kv.lease,
  };
}
