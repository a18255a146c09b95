import type { TxnRequestInput } from "@quorumkit/proto";
import * as fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type EtcdServer, startEtcd } from "../../src/index.ts";
import { calls } from "./kv-arbitraries.ts";
import { type KvCall, RealKv, TestKv, bytes } from "./kv-support.ts";

const leases = [101n, 102n];

let etcd: EtcdServer;
let real: RealKv;
let mine: TestKv;

beforeAll(async () => {
  etcd = await startEtcd({ quiet: true });
  real = new RealKv(etcd.endpoint);
  mine = new TestKv({ version: etcd.version });
  for (const id of leases) {
    await real.grant(id);
    mine.leases.grant(id);
  }
});

afterAll(async () => {
  real.close();
  await etcd.stop();
});

// Both sides go through the same requests from their start, so even the revisions stay equal.
async function same(call: KvCall): Promise<unknown> {
  const expected = await real.call(call);
  expect(mine.call(call)).toEqual(expected);
  return expected;
}

beforeEach(async () => {
  await same({ deleteRange: { key: bytes("\0"), rangeEnd: bytes("\0") } });
});

const put = (key: string, value = ""): { requestPut: object } => ({
  requestPut: { key: bytes(key), value: bytes(value) },
});
const remove = (key: string, end?: string): { requestDeleteRange: object } => ({
  requestDeleteRange: { key: bytes(key), ...(end && { rangeEnd: bytes(end) }) },
});
const nested = (
  success: readonly object[],
  failure: readonly object[] = [],
): { requestTxn: TxnRequestInput } => ({
  requestTxn: { success, failure },
});

const duplicate = { code: "INVALID_ARGUMENT", details: "etcdserver: duplicate key given in txn request" };
const tooMany = { code: "INVALID_ARGUMENT", details: "etcdserver: too many operations in txn request" };

test.for([
  ["the same key twice", [put("a"), put("a")]],
  ["a put of a deleted key", [put("a"), remove("a")]],
  ["a put in a deleted range", [remove("a", "c"), put("b")]],
  ["a put and a nested put", [put("a"), nested([put("a")])]],
  ["a put and a put in the branch that is not taken", [put("a"), nested([], [put("a")])]],
  ["two nested transactions that put the same", [nested([put("a")]), nested([], [put("a")])]],
  ["a nested put in a range deleted above", [nested([put("b")]), remove("a", "c")]],
  ["a nested put in a range that an earlier one deletes", [nested([remove("a", "c")]), nested([put("b")])]],
] as const)("a transaction is refused with %s", async ([, success]) => {
  expect(await same({ txn: { success } })).toEqual(duplicate);
  expect(await same({ txn: { failure: success } })).toEqual(duplicate);
});

test.for([
  ["both branches of a nested transaction put a key", [nested([put("a")], [put("a")])]],
  ["a range is deleted twice", [remove("a", "c"), remove("a", "c")]],
  ["a put stands at the end of a deleted range", [remove("a", "c"), put("c")]],
  ["a nested put meets the delete of a later nested one", [nested([put("b")]), nested([remove("a", "c")])]],
  ["a put meets a delete of all keys from another on", [put("b"), remove("a", "\0"), put("c")]],
] as const)("a transaction is accepted where %s", async ([, success]) => {
  await same({ put: { key: bytes("b"), value: bytes("before") } });
  expect(await same({ txn: { success } })).toMatchObject({ answer: { succeeded: true } });
  await same({ range: { key: bytes("\0"), rangeEnd: bytes("\0") } });
});

test("the limit of operations counts compares and either branch, and takes nested ones from what is left", async () => {
  const reads = (count: number): object[] =>
    Array.from({ length: count }, () => ({ requestRange: { key: bytes("a") } }));
  const compares = (count: number): object[] => Array.from({ length: count }, () => ({ key: bytes("a") }));
  expect(
    await same({ txn: { success: reads(128), failure: reads(128), compare: compares(128) } }),
  ).toHaveProperty("answer");
  expect(await same({ txn: { failure: reads(129) } })).toEqual(tooMany);
  expect(await same({ txn: { compare: compares(129) } })).toEqual(tooMany);
  expect(await same({ txn: { success: [nested(reads(127))] } })).toHaveProperty("answer");
  expect(await same({ txn: { success: [nested(reads(128))] } })).toEqual(tooMany);
  expect(await same({ txn: { success: [nested(reads(63)), ...reads(64)] } })).toHaveProperty("answer");
  expect(await same({ txn: { success: [nested(reads(64)), ...reads(64)] } })).toEqual(tooMany);
});

test("a write is too large from the same size on", async () => {
  // What etcd wraps around a request depends on an id by a byte, so the last two bytes are left out.
  const limit = 1.5 * 1024 * 1024;
  const key = bytes("large");
  for (const room of [16, 22, 26, 40]) await same({ put: { key, value: Buffer.alloc(limit - room) } });
  expect(await same({ put: { key, value: Buffer.alloc(limit) } })).toMatchObject({
    details: "etcdserver: request is too large",
  });
  expect(await same({ deleteRange: { key: Buffer.alloc(limit) } })).toHaveProperty("code");
  expect(await same({ range: { key: Buffer.alloc(limit) } })).toHaveProperty("answer");
});

test.for([
  ["an empty operation", { txn: { success: [{}] } }],
  ["a compare without a key", { txn: { compare: [{ key: bytes("") }], success: [{}] } }],
  ["a value that is to be ignored", { put: { key: bytes("k"), value: bytes("1"), ignoreValue: true } }],
  ["a lease that is to be ignored", { put: { key: bytes("k"), lease: 999n, ignoreLease: true } }],
  ["neither lease nor key", { put: { key: bytes("k"), lease: 999n, ignoreValue: true } }],
  [
    "neither lease nor key, in a transaction",
    {
      txn: { success: [{ requestPut: { key: bytes("k"), lease: 999n, ignoreValue: true } }] },
    },
  ],
  [
    "a range of the future before a put without a key",
    {
      txn: {
        success: [
          { requestRange: { key: bytes("k"), revision: 9_999n } },
          { requestPut: { key: bytes("k"), ignoreValue: true } },
        ],
      },
    },
  ],
  [
    "a revision that the transaction itself would make",
    {
      txn: { success: [put("k"), { requestRange: { key: bytes("k"), revision: 9_999n } }] },
    },
  ],
  ["a compaction of the future", { compact: { revision: 9_999n } }],
  ["a compaction of nothing", { compact: { revision: -1n } }],
] as const)("of several faults the same one is named: %s", async ([, call]) => {
  expect(await same(call)).toHaveProperty("details");
});

test("a range has the same keys, order and count for all of its options", async () => {
  for (const key of ["c", "a", "d", "b", "a"])
    await same({ put: { key: bytes(key), value: bytes(`not ${key}`) } });
  await same({ put: { key: bytes("e"), value: bytes("1"), lease: 101n } });
  const { revision } = mine.store;
  const span = { key: bytes("a"), rangeEnd: bytes("z") };
  const filters = [
    {},
    { minModRevision: revision - 2n },
    { maxModRevision: revision - 2n },
    { minCreateRevision: revision - 3n },
    { maxCreateRevision: revision - 3n },
    { minModRevision: revision - 3n, maxModRevision: revision - 1n },
    { minModRevision: -1n, maxCreateRevision: revision - 2n },
    { revision: revision - 2n },
    { keysOnly: true },
    { countOnly: true },
    { countOnly: true, minModRevision: revision },
  ];
  const orders = [0, 1, 2] as const;
  const targets = [0, 1, 2, 3, 4] as const;
  const requests = filters.flatMap((filter) =>
    orders.flatMap((sortOrder) =>
      targets.flatMap((sortTarget) =>
        [0n, 2n, 5n].map((limit) => ({ ...span, ...filter, sortOrder, sortTarget, limit })),
      ),
    ),
  );
  for (const range of requests) expect(await same({ range })).toHaveProperty("answer");
});

test("the hash is the same with nothing left", async () => {
  await same({ put: { key: bytes("a") } });
  await same({ compact: { revision: mine.store.revision, physical: true } });
  await same({ deleteRange: { key: bytes("a") } });
  expect(mine.store.hash()).toBe(await real.hash(mine.store.revision));
});

test("after a compaction the same revisions can be read", async () => {
  for (const value of ["1", "2", "3"]) await same({ put: { key: bytes("a"), value: bytes(value) } });
  await same({ deleteRange: { key: bytes("a") } });
  const { revision } = mine.store;
  await same({ compact: { revision: revision - 1n, physical: true } });
  for (const at of [revision + 1n, revision, revision - 1n, revision - 2n, 1n, -1n])
    for (const limit of [0n, 1n]) {
      await same({ range: { key: bytes("a"), revision: at, limit } });
      await same({ txn: { success: [{ requestRange: { key: bytes("a"), revision: at } }] } });
    }
  const again = { compact: { revision: revision - 1n, physical: true } };
  expect(await same(again)).toHaveProperty(
    "details",
    "etcdserver: mvcc: required revision has been compacted",
  );
});

test("random requests get the same answers, and leave the same history behind", async () => {
  await fc.assert(
    fc.asyncProperty(calls, async (sequence) => {
      for (const call of sequence) await same(call);
    }),
    // A failure depends on what came before it: to be repeated by its seed, not to be shrunk.
    { numRuns: 150, endOnFailure: true },
  );
  for (const id of leases) expect(mine.leases.namesOf(id)).toEqual(await real.leaseKeys(id));
  // etcd keeps the hash of a compacted revision for later; of any other it is that of all the history.
  await same({ put: { key: bytes("last") } });
  expect(mine.store.hash()).toBe(await real.hash(mine.store.revision));
}, 120_000);
