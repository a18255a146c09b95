import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { compare, EtcdClient, type KeyValue, op, type PutResult } from "@quorumkit/core";
import { afterAll, assert, beforeAll, describe, expect, expectTypeOf, it } from "vitest";

let server: EtcdServer;
let etcd: EtcdClient;
beforeAll(async () => {
  server = await startEtcd();
  etcd = new EtcdClient({ endpoints: server.endpoints });
});
afterAll(async () => {
  await etcd.close();
  await server.close();
});

describe("keys", () => {
  it("puts and gets text, bytes and JSON", async () => {
    const { revision, prevKv } = await etcd.put("kv/greeting", "hello");
    expect(prevKv).toBeUndefined();
    const kv = await etcd.get("kv/greeting");
    expect(kv?.key).toBe("kv/greeting");
    expect(kv?.text()).toBe("hello");
    expect(kv?.modRevision).toBe(revision);
    expect(kv?.createRevision).toBe(revision);
    expect(kv?.version).toBe(1n);
    expect(kv?.lease).toBe(0n);

    const bytes = new Uint8Array([0, 255, 128, 10]);
    await etcd.put(new Uint8Array([107, 0, 255]), bytes);
    const raw = await etcd.get(new Uint8Array([107, 0, 255]));
    expect([...(raw?.value ?? [])]).toEqual([...bytes]);

    await etcd.put("kv/json", JSON.stringify({ a: [1] }));
    expect((await etcd.get("kv/json"))?.json()).toEqual({ a: [1] });
  });

  it("gives undefined for a key that does not exist, and an empty value where it is empty", async () => {
    expect(await etcd.get("kv/missing")).toBeUndefined();
    await etcd.put("kv/empty", "");
    expect((await etcd.get("kv/empty"))?.value.length).toBe(0);
  });

  it("gives the key as it was with prevKv", async () => {
    await etcd.put("kv/prev", "1");
    const { prevKv } = await etcd.put("kv/prev", "2", { prevKv: true });
    expect(prevKv?.text()).toBe("1");
    const { deleted, prevKvs } = await etcd.delete("kv/prev", { prevKv: true });
    expect(deleted).toBe(1n);
    expect(prevKvs.map((kv) => kv.text())).toEqual(["2"]);
  });

  it("keeps the value with ignoreValue and the lease with ignoreLease", async () => {
    await etcd.put("kv/ignore", "kept");
    await etcd.put("kv/ignore", "", { ignoreValue: true });
    expect((await etcd.get("kv/ignore"))?.text()).toBe("kept");
    await expect(etcd.put("kv/nobody", "", { ignoreValue: true })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      outcome: "notApplied",
    });
    await etcd.put("kv/ignore", "new", { ignoreLease: true });
    expect((await etcd.get("kv/ignore"))?.text()).toBe("new");
  });

  it("prints 64-bit numbers as decimal strings in JSON", async () => {
    await etcd.put("kv/print", "x");
    const kv = (await etcd.get("kv/print")) as KeyValue;
    expect(JSON.parse(JSON.stringify(kv))).toMatchObject({
      key: "kv/print",
      value: "x",
      version: "1",
      lease: "0",
    });
  });

  it("prints results of calls, too", async () => {
    const put = await etcd.put("kv/result", "1", { prevKv: true });
    expect(JSON.parse(JSON.stringify(put))).toEqual({ revision: String(put.revision) });
    const range = await etcd.range("kv/result");
    expect(JSON.parse(JSON.stringify(range))).toMatchObject({
      count: "1",
      more: false,
      kvs: [{ version: "1" }],
    });
    const txn = await etcd.txn().then(op.get("kv/result"), op.delete("kv/result")).commit();
    expect(JSON.parse(JSON.stringify(txn))).toMatchObject({
      succeeded: true,
      results: [{ value: "1" }, { deleted: "1" }],
    });
  });

  it("takes a session for a lease", async () => {
    await using session = await etcd.openSession();
    await etcd.put("kv/session", "x", { lease: session });
    expect((await etcd.get("kv/session"))?.lease).toBe(session.leaseId);
  });

  it("names the key and not the value when JSON is broken", async () => {
    await etcd.put("kv/broken", "secret{");
    const kv = await etcd.get("kv/broken");
    expect(() => kv?.json()).toThrow(/kv\/broken/);
    expect(() => kv?.json()).not.toThrow(/secret/);
  });
});

describe("ranges", () => {
  beforeAll(async () => {
    for (const name of ["a", "b", "c", "d"]) await etcd.put(`range/${name}`, name);
    await etcd.put("range0", "behind the prefix");
  });

  it("reads a prefix, an interval and from a key on", async () => {
    const keys = async (range: Parameters<EtcdClient["range"]>[0]): Promise<string[]> =>
      (await etcd.range(range)).kvs.map((kv) => kv.key);
    expect(await keys({ prefix: "range/" })).toEqual(["range/a", "range/b", "range/c", "range/d"]);
    expect(await keys({ from: "range/b", to: "range/d" })).toEqual(["range/b", "range/c"]);
    expect(await keys({ from: "range/d" })).toEqual(["range/d", "range0"]);
    expect(await keys("range/a")).toEqual(["range/a"]);
    expect((await etcd.range({ prefix: "" })).count).toBeGreaterThan(4n);
  });

  it("limits, counts, sorts and filters", async () => {
    const limited = await etcd.range({ prefix: "range/" }, { limit: 2 });
    expect(limited).toMatchObject({ more: true, count: 4n });
    expect(limited.kvs).toHaveLength(2);
    const counted = await etcd.range({ prefix: "range/" }, { countOnly: true });
    expect(counted).toMatchObject({ count: 4n, kvs: [] });
    const sorted = await etcd.range(
      { prefix: "range/" },
      { sort: { by: "createRevision", order: "descending" } },
    );
    expect(sorted.kvs.map((kv) => kv.text())).toEqual(["d", "c", "b", "a"]);
    const c = await etcd.get("range/c");
    const filtered = await etcd.range({ prefix: "range/" }, { minModRevision: c?.modRevision });
    expect(filtered.kvs.map((kv) => kv.text())).toEqual(["c", "d"]);
    const keysOnly = await etcd.range({ prefix: "range/" }, { keysOnly: true });
    expect(keysOnly.kvs.every((kv) => kv.value.length === 0)).toBe(true);
    expect((await etcd.range({ prefix: "range/" }, { serializable: true })).count).toBe(4n);
  });

  it("reads the past by revision", async () => {
    const first = await etcd.put("range-past", "1");
    await etcd.put("range-past", "2");
    expect((await etcd.get("range-past", { revision: first.revision }))?.text()).toBe("1");
    await expect(etcd.get("range-past", { revision: first.revision + 1_000_000n })).rejects.toMatchObject({
      code: "FUTURE_REVISION",
    });
  });

  it("scans all pages at one revision although keys are added meanwhile", async () => {
    for (let index = 0; index < 25; index += 1) await etcd.put(`scan/${String(index).padStart(2, "0")}`, "x");
    const seen: string[] = [];
    for await (const kv of etcd.scan({ prefix: "scan/" }, { pageSize: 10 })) {
      if (seen.length === 0) await etcd.put("scan/99", "added later");
      seen.push(kv.key);
    }
    expect(seen).toHaveLength(25);
    expect(seen.at(-1)).toBe("scan/24");
  });
});

describe("transactions", () => {
  it("runs one branch as one revision and gives typed results", async () => {
    const created = await etcd
      .txn()
      .if(compare("txn/a").version.equals(0n))
      .then(op.put("txn/a", "1"), op.get("txn/a"))
      .else(op.get("txn/a"))
      .commit();
    assert(created.succeeded);
    const [put, got] = created.results;
    expectTypeOf(put).toEqualTypeOf<PutResult>();
    expectTypeOf(got).toEqualTypeOf<KeyValue | undefined>();
    expect(put.revision).toBe(created.revision);
    expect(got?.text()).toBe("1");
    expect(got?.modRevision).toBe(created.revision);
    const again = await etcd
      .txn()
      .if(compare("txn/a").version.equals(0n))
      .then(op.put("txn/a", "2"))
      .else(op.range({ prefix: "txn/" }), op.delete("txn/none"))
      .commit();
    assert(!again.succeeded);
    const [range, removed] = again.results;
    expect(range.kvs.map((kv) => kv.text())).toEqual(["1"]);
    expect(removed.deleted).toBe(0n);
  });

  it("nests, and compares values, revisions, leases and whole ranges", async () => {
    await etcd.put("txn/n", "5");
    const kv = (await etcd.get("txn/n")) as KeyValue;
    const result = await etcd
      .txn()
      .if(
        compare("txn/n").value.equals("5"),
        compare("txn/n").modRevision.equals(kv.modRevision),
        compare("txn/n").createRevision.lessThan(kv.modRevision + 1n),
        compare("txn/n").version.greaterThan(0n),
        compare("txn/n").lease.equals(0n),
        compare({ prefix: "txn/" }).createRevision.greaterThan(0n),
        compare("txn/n").value.notEquals("6"),
      )
      .then(op.txn(etcd.txn().if(compare("txn/inner").version.equals(0n)).then(op.put("txn/inner", "x"))))
      .commit();
    assert(result.succeeded);
    expect(result.results[0].succeeded).toBe(true);
    expect((await etcd.get("txn/inner"))?.text()).toBe("x");
  });

  it("says what is wrong with a transaction, and applies nothing of it", async () => {
    const ops = Array.from({ length: 129 }, (_, index) => op.put(`txn/many/${index}`, "x"));
    await expect(
      etcd
        .txn()
        .then(...ops)
        .commit(),
    ).rejects.toMatchObject({
      code: "TOO_MANY_OPERATIONS",
      outcome: "notApplied",
    });
    await expect(
      etcd.txn().then(op.put("txn/twice", "1"), op.put("txn/twice", "2")).commit(),
    ).rejects.toMatchObject({
      code: "DUPLICATE_KEY",
      outcome: "notApplied",
    });
    expect((await etcd.range({ prefix: "txn/many/" })).count).toBe(0n);
    expect(await etcd.get("txn/twice")).toBeUndefined();
  });

  it("answers a transaction of conditions only, either way", async () => {
    await etcd.put("txn/only", "x");
    const holds = await etcd.txn().if(compare("txn/only").value.equals("x")).commit();
    expect(holds).toMatchObject({ succeeded: true, results: [] });
    const fails = await etcd.txn().if(compare("txn/only").value.equals("y")).commit();
    expect(fails).toMatchObject({ succeeded: false, results: [] });
  });

  it("tells whoever forgets commit()", async () => {
    await expect(async () => {
      // @ts-expect-error a transaction is no promise
      // oxlint-disable-next-line typescript/await-thenable
      await etcd.txn();
    }).rejects.toThrow(/commit\(\)/);
  });
});
