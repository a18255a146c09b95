import type {
  CompareInput,
  PutRequestInput,
  RangeRequestInput,
  RequestOpInput,
  TxnRequestInput,
} from "@quorumkit/proto";
import * as fc from "fast-check";
import type { Ref, Sketch } from "../resolve.ts";
import {
  goodKey,
  key,
  leaseId,
  leaseOrNone,
  rangeEnd,
  rarely,
  recent,
  revision,
  revisionOrNone,
  some,
  span,
  value,
} from "./values.ts";
import type { UnaryCalls, UnaryStep, WireStep } from "./steps.ts";

type Request<Name extends keyof UnaryCalls> = Extract<UnaryStep, { call: Name }>["request"];

/** How often a sequence does what; 0 or absent: never. */
export interface Mix {
  readonly put?: number;
  readonly range?: number;
  /** From etcd 3.7 on; older ones do not know it. */
  readonly rangeStream?: number;
  readonly deleteRange?: number;
  readonly txn?: number;
  readonly compact?: number;
  readonly lease?: number;
  readonly watch?: number;
  /** Watches that begin in the past; etcd serves those ten times a second, so they take their time. */
  readonly pastWatch?: number;
}

/** The watch streams that a sequence may use. */
const STREAMS = 2;
const MAX_STEPS = 60;
const MAX_DEPTH = 3;

const put: fc.Arbitrary<Sketch<PutRequestInput>> = some<Sketch<PutRequestInput>>(
  { key, value },
  { lease: leaseOrNone, prevKv: rarely(1), ignoreValue: rarely(9), ignoreLease: rarely(9) },
).chain((request) =>
  // Mostly as it must be: no value where the old one is kept.
  fc.integer({ min: 0, max: 5 }).map((n) => {
    const { value: _value, ...rest } = request;
    return n > 0 && request.ignoreValue === true ? rest : request;
  }),
);

const sortOrder = fc.constantFrom(0, 1, 2, 1, 2, 7) as fc.Arbitrary<0 | 1 | 2>;
const sortTarget = fc.constantFrom(0, 1, 2, 3, 4, 1, 2, 3, 4, 9) as fc.Arbitrary<0 | 1 | 2 | 3 | 4>;
const filters = {
  minModRevision: revision,
  maxModRevision: revision,
  minCreateRevision: revision,
  maxCreateRevision: revision,
};
const rangeOptions: fc.Arbitrary<Sketch<RangeRequestInput>> = some<Sketch<RangeRequestInput>>(
  {},
  {
    limit: fc.constantFrom(1n, 1n, 2n, 3n, 100n, -1n),
    revision: revisionOrNone,
    sortOrder,
    sortTarget,
    serializable: rarely(1),
    keysOnly: rarely(),
    countOnly: rarely(),
  },
);
const range: fc.Arbitrary<Sketch<RangeRequestInput>> = fc
  .tuple(
    span,
    rangeOptions,
    // All filters at once would leave nothing to look at.
    fc.record(filters),
    fc.array(fc.constantFrom(...Object.keys(filters)), { maxLength: 2 }),
  )
  .map(([where, options, all, kept]) => ({
    ...where,
    ...options,
    ...Object.fromEntries(Object.entries(all).filter(([name]) => kept.includes(name))),
  }));

const deleteRange: fc.Arbitrary<Request<"deleteRange">> = some<Request<"deleteRange">>(
  { key },
  { rangeEnd, prevKv: rarely(1) },
);

const operands: Record<string, fc.Arbitrary<Partial<Sketch<CompareInput>>>> = {
  version: fc.record({ target: fc.constant(0 as const), version: fc.constantFrom(0n, 1n, 2n, 3n) }),
  create: fc.record({ target: fc.constant(1 as const), createRevision: revisionOrNone }),
  mod: fc.record({ target: fc.constant(2 as const), modRevision: revisionOrNone }),
  value: fc.record({ target: fc.constant(3 as const), value }),
  lease: fc.record({ target: fc.constant(4 as const), lease: leaseOrNone }),
  // What is compared and what it is compared with do not fit, or are missing.
  wrong: fc.record({
    target: fc.constantFrom(0, 1, 2, 3, 4, 9) as fc.Arbitrary<0>,
    version: fc.constant(1n),
  }),
  none: fc.record({ target: fc.constantFrom(0, 1, 2, 3, 4) as fc.Arbitrary<0> }),
};
const operand = fc.oneof(
  ...Object.entries(operands).map(([name, arbitrary]) => ({
    arbitrary,
    weight: name === "wrong" || name === "none" ? 1 : 8,
  })),
);
const result = fc.constantFrom(0, 0, 0, 0, 1, 2, 3, 0, 0, 1, 2, 3, 9) as fc.Arbitrary<0 | 1 | 2 | 3>;
const compare: fc.Arbitrary<Sketch<CompareInput>> = fc
  .tuple(
    operand,
    result,
    key,
    fc.oneof({ arbitrary: fc.constant(""), weight: 3 }, { arbitrary: rangeEnd, weight: 1 }),
  )
  .map(([what, how, first, end]) => ({
    ...what,
    result: how,
    key: first,
    ...(end === "" ? {} : { rangeEnd: end }),
  }));

const txnAt = (depth: number): fc.Arbitrary<Sketch<TxnRequestInput>> =>
  fc.record({
    compare: fc.array(compare, { maxLength: 2 }),
    success: fc.array(requestOpAt(depth), { maxLength: depth === 1 ? 4 : 2 }),
    failure: fc.array(requestOpAt(depth), { maxLength: depth === 1 ? 3 : 2 }),
  });
const requestOpAt = (depth: number): fc.Arbitrary<Sketch<RequestOpInput>> =>
  fc.oneof(
    { arbitrary: put.map((requestPut) => ({ requestPut })), weight: 12 },
    { arbitrary: range.map((requestRange) => ({ requestRange })), weight: 6 },
    { arbitrary: deleteRange.map((requestDeleteRange) => ({ requestDeleteRange })), weight: 5 },
    ...(depth < MAX_DEPTH
      ? [{ arbitrary: txnAt(depth + 1).map((requestTxn) => ({ requestTxn })), weight: 4 }]
      : []),
    { arbitrary: fc.constant({}), weight: 1 },
  );

/**
 * Without deletes from a key on where there are puts: etcd does not see that such a delete overlaps a put, does both in one
 * revision, and crashes when it reads the key after a compaction there (etcd#22376, #22445).
 */
function withoutCrash(request: Sketch<TxnRequestInput>): Sketch<TxnRequestInput> {
  const text = JSON.stringify(request, (_name, each: unknown) =>
    typeof each === "bigint" ? String(each) : each,
  );
  if (!text.includes("requestPut")) return request;
  const opOf = (operation: Sketch<RequestOpInput>): Sketch<RequestOpInput> => {
    const { requestDeleteRange: deleted, requestTxn: inner } = operation;
    if (deleted?.rangeEnd === "\0") return { requestDeleteRange: { ...deleted, rangeEnd: "\xff\xff" } };
    return inner ? { requestTxn: txnOf(inner) } : operation;
  };
  const txnOf = (each: Sketch<TxnRequestInput>): Sketch<TxnRequestInput> => ({
    ...each,
    success: (each.success ?? []).map(opOf),
    failure: (each.failure ?? []).map(opOf),
  });
  return txnOf(request);
}

/** Around the limit of 128 operations, flat or nested. */
const hugeTxn: fc.Arbitrary<Sketch<TxnRequestInput>> = fc
  .record({
    count: fc.integer({ min: 126, max: 130 }),
    inside: rarely(1),
    where: fc.constantFrom("compare", "success", "failure"),
  })
  .map(({ count, inside, where }) => {
    const each = Array.from({ length: count }, (_, index) =>
      where === "compare" ? { key: "a", target: 0, version: 0n } : { requestRange: { key: `k${index}` } },
    );
    const txn = { [where]: each } as Sketch<TxnRequestInput>;
    return inside ? { success: [{ requestTxn: txn }, { requestRange: { key: "a" } }] } : txn;
  });
const txn = fc.oneof(
  { arbitrary: txnAt(1).map(withoutCrash), weight: 40 },
  { arbitrary: hugeTxn, weight: 1 },
);

const compact: fc.Arbitrary<Request<"compact">> = some<Request<"compact">>(
  { revision: fc.oneof({ arbitrary: recent("now", -4, 1), weight: 5 }, { arbitrary: revision, weight: 1 }) },
  { physical: rarely() },
);

const call = <Name extends keyof UnaryCalls>(
  name: Name,
  request: fc.Arbitrary<Request<Name>>,
): fc.Arbitrary<WireStep> => request.map((each) => ({ call: name, request: each }) as unknown as WireStep);

const lease: fc.Arbitrary<WireStep> = fc.oneof(
  {
    arbitrary: call(
      "leaseGrant",
      fc.record({
        // Long enough that none ends by itself while a sequence runs.
        TTL: fc.constantFrom(100n, 200n, 300n, 9_000_000_000n, 9_000_000_001n),
        ID: fc.oneof(
          { arbitrary: fc.constantFrom(1n, 2n, 3n), weight: 6 },
          { arbitrary: fc.constantFrom(0n, -5n), weight: 2 },
        ),
      }),
    ),
    weight: 6,
  },
  { arbitrary: call("leaseRevoke", fc.record({ ID: leaseId })), weight: 2 },
  {
    arbitrary: call(
      "leaseTimeToLive",
      some<Request<"leaseTimeToLive">>({ ID: leaseId }, { keys: rarely(1) }),
    ),
    weight: 3,
  },
  { arbitrary: call("leaseLeases", fc.constant({})), weight: 1 },
  { arbitrary: fc.record({ keepAlive: fc.array(leaseId, { minLength: 1, maxLength: 3 }) }), weight: 2 },
  {
    arbitrary: fc.record({ shortLease: fc.constantFrom(77n, 1n), ttl: fc.constantFrom(1n, 2n, 0n, -1n) }),
    weight: 1,
  },
);

const stream = fc.nat({ max: STREAMS - 1 });
const watchId = fc.constantFrom(0n, 1n, 2n, 3n, 7n, -2n);
const watchFrom = (startRevision: fc.Arbitrary<bigint | Ref>): fc.Arbitrary<WireStep> =>
  fc.record({
    stream,
    create: some<Extract<WireStep, { create: unknown }>["create"]>(
      {
        key: fc.oneof({ arbitrary: goodKey, weight: 9 }, { arbitrary: fc.constant(""), weight: 1 }),
        rangeEnd,
        startRevision,
      },
      {
        watchId: fc.oneof({ arbitrary: fc.constant(0n), weight: 2 }, { arbitrary: watchId, weight: 1 }),
        prevKv: rarely(1),
        progressNotify: rarely(),
        fragment: rarely(),
        filters: fc.array(fc.constantFrom(0, 1, 5) as fc.Arbitrary<0 | 1>, { maxLength: 2 }),
      },
    ),
  });
const watch: fc.Arbitrary<WireStep> = fc.oneof(
  {
    arbitrary: watchFrom(
      fc.oneof(
        { arbitrary: fc.constant(0n), weight: 6 },
        { arbitrary: recent("now", 1, 4), weight: 2 },
        { arbitrary: fc.constantFrom(-1n, 2n ** 63n - 1n), weight: 1 },
      ),
    ),
    weight: 8,
  },
  { arbitrary: fc.record({ stream, cancel: watchId }), weight: 2 },
  { arbitrary: fc.record({ stream, progress: fc.constant(true as const) }), weight: 2 },
  { arbitrary: fc.constant({ settle: true as const }), weight: 1 },
  { arbitrary: fc.record({ stream, empty: fc.constant(true as const) }), weight: 1 },
);
const pastWatch = watchFrom(fc.oneof(recent("now", -6, 0), recent("base", -2, 4), fc.constant(1n)));

/** Sequences of up to 60 steps of a mix. */
export function sequences(mix: Mix): fc.Arbitrary<WireStep[]> {
  const kinds: { readonly [Kind in keyof Required<Mix>]: fc.Arbitrary<WireStep> } = {
    put: call("put", put),
    range: call("range", range),
    rangeStream: range.map((rangeStream) => ({ rangeStream })),
    deleteRange: call("deleteRange", deleteRange),
    txn: call("txn", txn),
    compact: call("compact", compact),
    lease,
    watch,
    pastWatch,
  };
  const step = fc.oneof(
    ...(Object.keys(kinds) as (keyof Mix)[]).map((kind) => ({
      arbitrary: kinds[kind],
      weight: mix[kind] ?? 0,
    })),
  );
  return fc
    .array(step, { minLength: 1, maxLength: MAX_STEPS - 1, size: "max" })
    .map((steps) => [...steps, { settle: true }]);
}
