import type {
  CompareInput,
  DeleteRangeRequestInput,
  PutRequestInput,
  RequestOpInput,
  TxnRequestInput,
} from "@quorumkit/proto";
import * as fc from "fast-check";
import type { Arbitrary } from "fast-check";
import { type KvCall, bytes } from "./kv-support.ts";

// Few keys, values and revisions, so that requests meet each other.
const key = fc.constantFrom("a", "b", "ba", "c", "d").map(bytes);
const anyKey = fc.oneof({ weight: 30, arbitrary: key }, { weight: 1, arbitrary: fc.constant(bytes("")) });
const rangeEnd = fc.constantFrom("", "", "", "b", "c", "e", "\0", "a").map(bytes);
const value = fc.constantFrom("", "1", "2", "3").map(bytes);
const lease = fc.constantFrom(0n, 0n, 0n, 101n, 102n, 999n);
const number = fc.oneof(fc.bigInt(-2n, 5n), fc.bigInt(0n, 60n), fc.bigInt(0n, 800n));
const sometimes = fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true));
const filter = fc.oneof({ weight: 5, arbitrary: fc.constant(0n) }, number);

const range = fc.record({
  key: anyKey,
  rangeEnd,
  limit: fc.constantFrom(0n, 0n, 1n, 2n, 3n, -1n, 2n ** 63n - 2n),
  revision: fc.oneof({ weight: 2, arbitrary: fc.constant(0n) }, number),
  sortOrder: fc.constantFrom(0 as const, 1 as const, 2 as const),
  sortTarget: fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const, 4 as const),
  keysOnly: sometimes,
  countOnly: sometimes,
  minModRevision: filter,
  maxModRevision: filter,
  minCreateRevision: filter,
  maxCreateRevision: filter,
});

const plainPut = fc.record({ key: anyKey, value, lease, prevKv: fc.boolean() });

const put: Arbitrary<PutRequestInput> = fc
  .tuple(plainPut, sometimes, sometimes)
  .map(([each, ignoreValue, ignoreLease]) => ({ ...each, ignoreValue, ignoreLease }));

const deleteRange = fc.record({ key: anyKey, rangeEnd, prevKv: fc.boolean() });

/**
 * The writes of a transaction. etcd lets it put a key that it deletes with "from this key on", and panics (3.5 to 3.7) when
 * that put is to keep the value or the lease: no transaction has both.
 */
const writes: readonly (readonly [Arbitrary<PutRequestInput>, Arbitrary<DeleteRangeRequestInput>])[] = [
  [plainPut, deleteRange],
  [put, deleteRange.filter((each) => each.rangeEnd[0] !== 0)],
];

const target: Arbitrary<CompareInput> = fc.oneof(
  number.map((version) => ({ target: 0 as const, version })),
  number.map((createRevision) => ({ target: 1 as const, createRevision })),
  number.map((modRevision) => ({ target: 2 as const, modRevision })),
  value.map((each) => ({ target: 3 as const, value: each })),
  lease.map((each) => ({ target: 4 as const, lease: each })),
  // A target and a number that do not belong together.
  number.map((version) => ({ target: 3 as const, version })),
);
const compare: Arbitrary<CompareInput> = fc
  .tuple(target, anyKey, rangeEnd, fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const))
  .map(([each, of, end, result]) => ({ ...each, key: of, rangeEnd: end, result }));

function txn(depth: number, [puts, deletes]: (typeof writes)[number]): Arbitrary<TxnRequestInput> {
  const nested: Arbitrary<RequestOpInput> =
    depth === 0 ? fc.constant({}) : txn(depth - 1, [puts, deletes]).map((requestTxn) => ({ requestTxn }));
  const op: Arbitrary<RequestOpInput> = fc.oneof(
    { weight: 4, arbitrary: range.map((requestRange) => ({ requestRange })) },
    { weight: 6, arbitrary: puts.map((requestPut) => ({ requestPut })) },
    { weight: 4, arbitrary: deletes.map((requestDeleteRange) => ({ requestDeleteRange })) },
    { weight: depth > 0 ? 4 : 1, arbitrary: nested },
  );
  const ops = fc.array(op, { maxLength: 3 });
  return fc.record({ compare: fc.array(compare, { maxLength: 2 }), success: ops, failure: ops });
}

const call: Arbitrary<KvCall> = fc.oneof(
  { weight: 12, arbitrary: put.map((each) => ({ put: each })) },
  { weight: 12, arbitrary: range.map((each) => ({ range: each })) },
  { weight: 3, arbitrary: deleteRange.map((each) => ({ deleteRange: each })) },
  { weight: 1, arbitrary: number.map((revision) => ({ compact: { revision, physical: true } })) },
  ...writes.map((each) => ({ weight: 8, arbitrary: txn(2, each).map((request) => ({ txn: request })) })),
);

/** Sequences of requests. */
export const calls: Arbitrary<KvCall[]> = fc.array(call, { minLength: 1, maxLength: 40 });
