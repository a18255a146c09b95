import * as fc from "fast-check";
import type { Ref } from "../resolve.ts";
import type { ApiOp, ApiPut, ApiRange, ApiRead, ApiStep, ApiTxn } from "./steps.ts";

const MAX_STEPS = 40;

const key = fc.constantFrom("a", "a", "b", "b", "ab", "c");
const value = fc.constantFrom("", "x", "y", "12");
/** All of these have the marker in them, so that a watch of them is seen to have come to it. */
const open = fc.constantFrom<ApiRange>({ prefix: "" }, { from: "a" }, { from: "b" });
const range: fc.Arbitrary<ApiRange> = fc.oneof(
  key,
  open,
  fc.constantFrom<ApiRange>(
    { prefix: "a" },
    { from: "a", to: "b" },
    { from: "a", to: "c" },
    { from: "c", to: "a" },
  ),
);
const revision: fc.Arbitrary<Ref> = fc.oneof(
  fc.integer({ min: -6, max: 1 }).map((plus) => ({ from: "now" as const, plus })),
  fc.integer({ min: 0, max: 5 }).map((plus) => ({ from: "base" as const, plus })),
);
const lease = fc.constantFrom(1n, 2n);
const session = fc.constantFrom(0, 1);
const lock = fc.constantFrom("lock/a", "lock/b");
const rarely = fc.constantFrom(false, false, false, true);

const put: fc.Arbitrary<ApiPut> = fc.oneof(
  { arbitrary: fc.record({ key, value }), weight: 4 },
  { arbitrary: fc.record({ key, value, lease, prevKv: fc.boolean() }), weight: 2 },
  { arbitrary: fc.record({ key, value, prevKv: fc.boolean(), ignoreLease: fc.constant(true) }), weight: 1 },
  {
    arbitrary: fc.record({ key, value: fc.constantFrom("", "", "x"), ignoreValue: fc.constant(true) }),
    weight: 1,
  },
);
const read: fc.Arbitrary<ApiRead> = fc.record(
  {
    range,
    limit: fc.constantFrom(1, 2, 5),
    revision,
    sort: fc.record({
      by: fc.constantFrom("key", "version", "createRevision", "modRevision", "value"),
      order: fc.constantFrom("ascending", "descending"),
    }),
    keysOnly: rarely,
    countOnly: rarely,
    serializable: rarely,
  },
  { requiredKeys: ["range"] },
);
const condition = fc.oneof(
  fc.record({ range, version: fc.constantFrom(0n, 1n, 2n) }),
  fc.record({ range: key, value }),
);
const txnOf = (inner: fc.Arbitrary<ApiOp>): fc.Arbitrary<ApiTxn> =>
  fc.record({
    if: fc.array(condition, { maxLength: 2 }),
    then: fc.array(inner, { maxLength: 3 }),
    else: fc.array(inner, { maxLength: 3 }),
  });
const simpleOp: fc.Arbitrary<ApiOp> = fc.oneof(
  put.map((each) => ({ put: each })),
  read.map((each) => ({ range: each })),
  // Of a key or an interval with an end: see the wire's `withoutCrash`.
  fc
    .oneof(key, fc.constantFrom<ApiRange>({ prefix: "a" }, { from: "a", to: "c" }))
    .map((each) => ({ delete: each })),
);
const txn = txnOf(
  fc.oneof(
    { arbitrary: simpleOp, weight: 5 },
    { arbitrary: txnOf(simpleOp).map((each) => ({ txn: each })), weight: 1 },
  ),
);

const step = fc.oneof<fc.WeightedArbitrary<ApiStep>[]>(
  { arbitrary: put.map((each) => ({ put: each })), weight: 8 },
  { arbitrary: fc.record({ get: key, revision }, { requiredKeys: ["get"] }), weight: 3 },
  { arbitrary: read.map((each) => ({ range: each })), weight: 4 },
  {
    arbitrary: fc.record(
      { scan: range, pageSize: fc.constantFrom(1, 2), revision },
      { requiredKeys: ["scan", "pageSize"] },
    ),
    weight: 2,
  },
  { arbitrary: fc.record({ delete: range, prevKv: fc.boolean() }), weight: 2 },
  { arbitrary: txn.map((each) => ({ txn: each })), weight: 5 },
  {
    arbitrary: fc.record({ swap: key, expected: value, next: value }, { requiredKeys: ["swap", "next"] }),
    weight: 2,
  },
  { arbitrary: fc.record({ putIfAbsent: key, value }), weight: 1 },
  {
    arbitrary: fc.record({ putAll: fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 3 }) }),
    weight: 1,
  },
  {
    arbitrary: fc.record({
      stm: fc.tuple(key, key),
      isolation: fc.constantFrom("serializableSnapshot", "readCommitted"),
    }),
    weight: 2,
  },
  { arbitrary: fc.record({ grant: lease, ttlSeconds: fc.constantFrom(100, 200) }), weight: 2 },
  { arbitrary: lease.map((revoke) => ({ revoke })), weight: 1 },
  { arbitrary: lease.map((timeToLive) => ({ timeToLive })), weight: 1 },
  { arbitrary: lease.map((keepAliveOnce) => ({ keepAliveOnce })), weight: 1 },
  { arbitrary: fc.constant({ leases: true as const }), weight: 1 },
  { arbitrary: fc.record({ session }), weight: 2 },
  { arbitrary: fc.record({ sessionPut: key, session }), weight: 1 },
  { arbitrary: fc.record({ lock, session }), weight: 4 },
  { arbitrary: fc.record({ lockedPut: key, lock, session }), weight: 2 },
  { arbitrary: lock.map((deleteLock) => ({ deleteLock })), weight: 1 },
  {
    arbitrary: fc.record(
      { watch: open, start: revision, prevKv: fc.boolean(), noDeletes: rarely },
      { requiredKeys: ["watch", "prevKv", "noDeletes"] },
    ),
    weight: 2,
  },
  { arbitrary: open.map((mirror) => ({ mirror })), weight: 1 },
  { arbitrary: revision.map((compact) => ({ compact })), weight: 1 },
  { arbitrary: fc.constant({ settle: true as const }), weight: 1 },
);

/** Sequences of up to 40 steps. */
export const sequences: fc.Arbitrary<ApiStep[]> = fc
  .array(step, { minLength: 1, maxLength: MAX_STEPS - 1, size: "max" })
  .map((steps) => [...steps, { settle: true }]);
