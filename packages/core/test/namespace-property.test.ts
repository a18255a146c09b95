import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import {
  type Bytes,
  compare,
  EtcdClient,
  isEtcdError,
  type KeyRange,
  type KeyValue,
  op,
  type Op,
  type Page,
  type Txn,
} from "@quorumkit/core";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";

let crowded: EtcdServer;
let empty: EtcdServer;
let root: EtcdClient;
let plain: EtcdClient;
beforeAll(async () => {
  [crowded, empty] = await Promise.all([startEtcd(), startEtcd()]);
  root = new EtcdClient({ endpoints: crowded.endpoints });
  plain = new EtcdClient({ endpoints: empty.endpoints });
});
afterAll(async () => {
  await Promise.all([root.close(), plain.close()]);
  await Promise.all([crowded.close(), empty.close()]);
});

// Bytes at both ends and in the middle, few enough for keys to meet.
const byte = fc.constantFrom(0x00, 0x01, 0x61, 0xfe, 0xff);
const bytes = (minLength: number): fc.Arbitrary<Buffer> =>
  fc.array(byte, { minLength, maxLength: 3 }).map((all) => Buffer.from(all));
const key = bytes(1);
const range: fc.Arbitrary<KeyRange> = fc.oneof(
  key,
  fc.record({ prefix: bytes(0) }),
  fc.record({ from: bytes(0) }),
  fc.record({ from: bytes(0), to: key }),
);
/** Without those that reach to the last key. */
const closedRange: fc.Arbitrary<KeyRange> = fc.oneof(
  key,
  fc
    .tuple(fc.constantFrom(0x00, 0x61), bytes(0))
    .map(([first, rest]) => ({ prefix: Buffer.from([first, ...rest]) })),
  fc.record({ from: bytes(0), to: key }),
);
const value = fc.constantFrom("", "1", "2");
/** Counted from the revision at which a run begins. */
const revision = fc.integer({ min: 0, max: 6 });

/** What is asked of both clients; `base` is the client's revision when the run began. */
type Ask = (etcd: EtcdClient, base: bigint) => Promise<unknown>;
type MakeOp = (etcd: EtcdClient, base: bigint) => Op;

/** A function made of `parts`, which is what fast-check prints of it. */
function shown<F extends object>(parts: unknown, make: F): F {
  return Object.assign(make, { [fc.toStringMethod]: () => fc.stringify(parts) });
}

const readOptions = fc.record(
  {
    limit: fc.integer({ min: 0, max: 3 }),
    keysOnly: fc.boolean(),
    countOnly: fc.boolean(),
    sort: fc.record({
      by: fc.constantFrom("key" as const, "value" as const, "version" as const, "modRevision" as const),
      order: fc.constantFrom("ascending" as const, "descending" as const),
    }),
    serializable: fc.boolean(),
  },
  { requiredKeys: [] },
);
const bounds = fc.record({ minModRevision: revision, maxCreateRevision: revision }, { requiredKeys: [] });
const from = (base: bigint, limits: Readonly<Record<string, number>>): Record<string, bigint> =>
  Object.fromEntries(Object.entries(limits).map(([name, offset]) => [name, base + BigInt(offset)]));

const writing = fc.record({ put: key, value, prevKv: fc.boolean() });
const reading = fc.record({ range, options: readOptions, bounds });
const deleting = fc.record({ delete: range, prevKv: fc.boolean() });

type Condition = (base: bigint) => ReturnType<ReturnType<typeof compare>["value"]["equals"]>;
const relation = fc.constantFrom(
  "equals" as const,
  "notEquals" as const,
  "greaterThan" as const,
  "lessThan" as const,
);
const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc
    .record({ value: range, relation, operand: value })
    .map((parts) => shown(parts, () => compare(parts.value).value[parts.relation](parts.operand))),
  fc
    .record({ version: range, relation, operand: fc.bigInt(0n, 2n) })
    .map((parts) => shown(parts, () => compare(parts.version).version[parts.relation](parts.operand))),
  fc
    .record({
      of: range,
      target: fc.constantFrom("createRevision" as const, "modRevision" as const),
      relation,
      operand: revision,
    })
    .map((parts) =>
      shown(parts, (base: bigint) =>
        compare(parts.of)[parts.target][parts.relation](
          parts.operand === 0 ? 0n : base + BigInt(parts.operand),
        ),
      ),
    ),
);

interface TxnParts {
  readonly if: readonly Condition[];
  readonly then: readonly MakeOp[];
  readonly else: readonly MakeOp[];
}

function txnOf(etcd: EtcdClient, base: bigint, parts: TxnParts): Txn<readonly Op[], readonly Op[]> {
  return etcd
    .txn()
    .if(...parts.if.map((make) => make(base)))
    .then(...parts.then.map((make) => make(etcd, base)))
    .else(...parts.else.map((make) => make(etcd, base)));
}

const { txn } = fc.letrec<{ txn: TxnParts; operation: MakeOp }>((tie) => ({
  txn: fc.record({
    if: fc.array(condition, { maxLength: 2 }),
    then: fc.array(tie("operation"), { maxLength: 3 }),
    else: fc.array(tie("operation"), { maxLength: 2 }),
  }),
  operation: fc.oneof(
    { depthSize: "small" },
    writing.map((parts) => shown(parts, () => op.put(parts.put, parts.value, { prevKv: parts.prevKv }))),
    reading.map((parts) =>
      shown(parts, (_: EtcdClient, base: bigint) =>
        op.range(parts.range, { ...parts.options, ...from(base, parts.bounds) }),
      ),
    ),
    key.map((get) => shown({ get }, () => op.get(get))),
    // etcd refuses a transaction that deletes and puts a key, but does not see it of a delete that reaches to the last key
    // of all. One that reaches to the last key of a namespace it does see.
    fc
      .record({ delete: closedRange, prevKv: fc.boolean() })
      .map((parts) => shown(parts, () => op.delete(parts.delete, { prevKv: parts.prevKv }))),
    tie("txn").map((parts) =>
      shown(parts, (etcd: EtcdClient, base: bigint) => op.txn(txnOf(etcd, base, parts))),
    ),
  ),
}));

const ask: fc.Arbitrary<Ask> = fc.oneof(
  {
    weight: 4,
    arbitrary: writing.map((parts) =>
      shown(parts, async (etcd: EtcdClient) => etcd.put(parts.put, parts.value, { prevKv: parts.prevKv })),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .array(key, { maxLength: 4 })
      .map((keys) =>
        shown({ get: keys }, async (etcd: EtcdClient) => Promise.all(keys.map(async (at) => etcd.get(at)))),
      ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(reading, fc.option(revision, { nil: undefined })).map(([parts, at]) =>
      shown({ ...parts, at }, async (etcd: EtcdClient, base: bigint) =>
        etcd.range(parts.range, {
          ...parts.options,
          ...from(base, parts.bounds),
          revision: at === undefined ? undefined : base + BigInt(at),
        }),
      ),
    ),
  },
  {
    weight: 1,
    arbitrary: deleting.map((parts) =>
      shown(parts, async (etcd: EtcdClient) => etcd.delete(parts.delete, { prevKv: parts.prevKv })),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({ pages: range, pageSize: fc.integer({ min: 1, max: 3 }) }).map((parts) =>
      shown(parts, async (etcd: EtcdClient) => {
        const all: Page[] = [];
        for await (const page of etcd.pages(parts.pages, { pageSize: parts.pageSize })) all.push(page);
        return all;
      }),
    ),
  },
  {
    weight: 4,
    arbitrary: txn.map((parts) =>
      shown(parts, async (etcd: EtcdClient, base: bigint) => txnOf(etcd, base, parts).commit()),
    ),
  },
);

/** An answer as plain data, with revisions counted from `base`. */
function plainly(answer: unknown, base: bigint, name = ""): unknown {
  if (isKeyValue(answer)) {
    const { keyBytes, createRevision, modRevision, version, lease } = answer;
    const plainKv = {
      key: keyBytes.toString("hex"),
      value: answer.text(),
      createRevision,
      modRevision,
      version,
      lease,
    };
    return plainly(plainKv, base);
  }
  // Parts of a transaction do not tell the revision in all versions of etcd.
  if (typeof answer === "bigint")
    return String(/revision$/i.test(name) && answer > 0n ? answer - base : answer);
  if (Array.isArray(answer)) return answer.map((each) => plainly(each, base));
  if (typeof answer !== "object" || answer === null) return answer;
  // The two are different clusters.
  const parts = Object.entries(answer).filter(([each]) => each !== "clusterId");
  return Object.fromEntries(parts.map(([each, part]) => [each, plainly(part, base, each)]));
}

function isKeyValue(answer: unknown): answer is KeyValue {
  return typeof answer === "object" && answer !== null && "keyBytes" in answer;
}

async function answerOf(question: Ask, etcd: EtcdClient, base: bigint): Promise<unknown> {
  try {
    return plainly(await question(etcd, base), base);
  } catch (error) {
    // What is refused here is refused there, for the same reason.
    if (isEtcdError(error)) return error.code;
    if (error instanceof TypeError) return error.message;
    throw error;
  }
}

/** All that happened since `base`, as a watch tells it. */
async function eventsSince(etcd: EtcdClient, base: bigint): Promise<unknown> {
  const { revision: last } = await etcd.put("last", "");
  const events: unknown[] = [];
  for await (const batch of etcd.watch({ from: "" }, { startRevision: base + 1n, prevKv: true })) {
    for (const { type, kv, prevKv } of batch.events) events.push(plainly({ type, kv, prevKv }, base));
    if (batch.revision >= last) return events;
  }
  throw new Error("the watch ended");
}

const prefixes: fc.Arbitrary<readonly Bytes[]> = fc.constantFrom(
  ["app/"],
  ["app/", "tenant/"],
  [Buffer.from([0xff])],
  [Buffer.from([0x61, 0xff])],
  ["a", Buffer.from([0xff, 0xff])],
  [Buffer.from([0])],
);

/** Puts keys next to the namespace, on all sides, and gives what is there then. */
async function crowd(prefix: Buffer): Promise<readonly unknown[]> {
  await root.delete({ from: "" });
  const neighbours = [prefix, Buffer.from([0]), Buffer.from("a"), Buffer.from("zzz"), Buffer.from([0xfe])];
  for (let end = prefix.length; end > 0; end -= 1) {
    const changed = Buffer.from(prefix.subarray(0, end));
    const last = changed[end - 1] as number;
    for (const near of [last - 1, last + 1]) {
      if (near < 0 || near > 0xff) continue;
      changed[end - 1] = near;
      neighbours.push(Buffer.from(changed), Buffer.concat([changed, Buffer.from([0])]));
    }
  }
  for (const each of neighbours) if (!isInside(each, prefix)) await root.put(each, "outside");
  return outside(prefix);
}

function isInside(each: Buffer, prefix: Buffer): boolean {
  return each.length > prefix.length && each.subarray(0, prefix.length).equals(prefix);
}

async function outside(prefix: Buffer): Promise<readonly unknown[]> {
  const { kvs } = await root.range({ from: "" });
  return kvs.filter(({ keyBytes }) => !isInside(keyBytes, prefix)).map((kv) => plainly(kv, 0n));
}

it(
  "a namespace of a crowded etcd answers as an empty etcd of its own does",
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(prefixes, fc.array(ask, { minLength: 1, maxLength: 25 }), async (parts, questions) => {
        let inside = root;
        for (const each of parts) inside = inside.namespace(each);
        const before = await crowd(inside.keyPrefix);
        await plain.delete({ from: "" });
        // A first key for both, so that both have something deleted before, and a revision of their own.
        const [here, there] = await Promise.all(
          [inside, plain].map(async (each) => (await each.put("a", "0")).revision),
        );
        for (const question of questions) {
          const [asked, expected] = await Promise.all([
            answerOf(question, inside, here as bigint),
            answerOf(question, plain, there as bigint),
          ]);
          expect(asked).toEqual(expected);
        }
        expect(await eventsSince(inside, here as bigint)).toEqual(await eventsSince(plain, there as bigint));
        expect(await outside(inside.keyPrefix)).toEqual(before);
        await inside.close();
      }),
      { numRuns: 40 },
    );
  },
);
