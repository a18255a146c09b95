import { EmbeddedEtcd, startEtcd, type EtcdServer } from "@quorumkit/testing";
import { EtcdClient } from "@quorumkit/core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { rpcsHandled } from "./support/rpc-count.ts";
import { startTcpProxy } from "./support/tcp-proxy.ts";

let server: EtcdServer;
let etcd: EtcdClient;
let writing: EtcdClient;
beforeAll(async () => {
  server = await startEtcd();
  etcd = new EtcdClient({ endpoints: server.endpoints });
  writing = new EtcdClient({ endpoints: server.endpoints, coalesce: { writes: true } });
});
afterAll(async () => {
  await etcd.close();
  await writing.close();
  await server.close();
});

/** How many calls of each kind the server has handled. */
async function handled(): Promise<Record<"Range" | "Txn" | "Put", number>> {
  const [Range, Txn, Put] = await Promise.all([
    rpcsHandled(server, "Range"),
    rpcsHandled(server, "Txn"),
    rpcsHandled(server, "Put"),
  ]);
  return { Range, Txn, Put };
}

async function during(what: () => Promise<unknown>): Promise<Record<"Range" | "Txn" | "Put", number>> {
  const before = await handled();
  await what();
  const after = await handled();
  return { Range: after.Range - before.Range, Txn: after.Txn - before.Txn, Put: after.Put - before.Put };
}

describe("concurrent reads", () => {
  beforeAll(async () => {
    for (let index = 0; index < 10; index += 1) await etcd.put(`read/${index}`, String(index));
  });

  it("of one tick are one transaction, and each gets its own answer", async () => {
    const keys = Array.from({ length: 100 }, (_, index) => `read/${index}`);
    const calls = await during(async () => {
      const values = await Promise.all(keys.map(async (key) => (await etcd.get(key))?.text()));
      expect(values).toEqual(keys.map((_, index) => (index < 10 ? String(index) : undefined)));
    });
    expect(calls).toEqual({ Range: 0, Txn: 1, Put: 0 });
  });

  it("of one key are one read", async () => {
    const calls = await during(async () => {
      const values = await Promise.all(Array.from({ length: 50 }, async () => etcd.get("read/3")));
      expect(new Set(values.map((kv) => kv?.text()))).toEqual(new Set(["3"]));
    });
    expect(calls).toEqual({ Range: 1, Txn: 0, Put: 0 });
  });

  it("go out as they are when alone, and when it is switched off", async () => {
    expect(await during(async () => etcd.get("read/1"))).toEqual({ Range: 1, Txn: 0, Put: 0 });
    await using plain = new EtcdClient({ endpoints: server.endpoints, coalesce: { reads: false } });
    const calls = await during(async () =>
      Promise.all(["read/1", "read/2"].map(async (key) => plain.get(key))),
    );
    expect(calls).toEqual({ Range: 2, Txn: 0, Put: 0 });
  });

  it("see what was written before they were made", async () => {
    for (let round = 0; round < 50; round += 1) {
      const busy = ["read/1", "read/2"].map(async (key) => etcd.get(key));
      await etcd.put("read/fresh", String(round));
      const [fresh] = await Promise.all([etcd.get("read/fresh"), ...busy]);
      expect(fresh?.text()).toBe(String(round));
    }
  });

  it("fail each for itself: one that asks for compacted history does not harm the others", async () => {
    const { revision } = await etcd.put("read/old", "1");
    await etcd.put("read/old", "2");
    await server.etcdctl(["compact", String(revision + 1n)]);
    const [old, good, missing] = await Promise.allSettled([
      etcd.get("read/old", { revision }),
      etcd.get("read/1"),
      etcd.get("read/missing"),
    ]);
    expect(old).toMatchObject({ status: "rejected", reason: { code: "COMPACTED" } });
    expect(good).toMatchObject({ status: "fulfilled" });
    expect(missing).toEqual({ status: "fulfilled", value: undefined });
  });

  it("keep their own options apart", async () => {
    const [value, keyOnly, serializable] = await Promise.all([
      etcd.get("read/1"),
      etcd.get("read/1", { keysOnly: true }),
      etcd.get("read/1", { serializable: true }),
    ]);
    expect([value?.text(), keyOnly?.text(), serializable?.text()]).toEqual(["1", "", "1"]);
  });

  it("end one by one, by signal and by deadline, without harm to the rest", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using client = new EtcdClient({ endpoints: proxy.endpoint });
    await client.get("read/0");
    proxy.hold("answers");
    const abort = new AbortController();
    const aborted = client.get("read/1", { signal: abort.signal });
    const late = client.get("read/2", { timeoutMs: 50 });
    const patient = client.get("read/3", { timeoutMs: 20_000 });
    const outcomes = Promise.allSettled([aborted, late]);
    abort.abort(new Error("enough"));
    expect(await outcomes).toMatchObject([
      { status: "rejected", reason: { code: "ABORTED", cause: { message: "enough" } } },
      { status: "rejected", reason: { code: "TIMEOUT" } },
    ]);
    proxy.release();
    expect((await patient)?.text()).toBe("3");
  });

  it("end at their own deadline also beside one that may take longer, of the same key, too", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using client = new EtcdClient({ endpoints: proxy.endpoint, timeoutMs: 300 });
    await client.get("read/0");
    proxy.hold("answers");
    const patient = [
      client.get("read/1", { timeoutMs: 20_000 }),
      client.get("read/2", { timeoutMs: 20_000 }),
    ];
    const hasty = await Promise.allSettled([client.get("read/2"), client.get("read/3")]);
    expect(hasty).toMatchObject([
      { status: "rejected", reason: { code: "TIMEOUT" } },
      { status: "rejected", reason: { code: "TIMEOUT" } },
    ]);
    proxy.release();
    expect((await Promise.all(patient)).map((kv) => kv?.text())).toEqual(["1", "2"]);
  });

  it("wait behind a batch that hangs once, and not each of them", async () => {
    await using embedded = await EmbeddedEtcd.start({ quiet: true });
    await using client = new EtcdClient({ endpoints: embedded.endpoints });
    await client.get("a");
    const held = embedded.hold("Txn");
    const hanging = Promise.all([client.get("a"), client.get("b")]);
    await held.reached(1);
    const setTimer = vi.spyOn(globalThis, "setTimeout");
    for (let each = 0; each < 5; each += 1) await client.get("c");
    const waits = (): number => setTimer.mock.calls.filter(([, ms]) => ms === 20).length;
    expect(waits()).toBe(1);
    held.release();
    await hanging;
    // Nor when it has come back after all.
    for (let each = 0; each < 5; each += 1) await client.get("c");
    expect(waits()).toBe(1);
    setTimer.mockRestore();
  });

  it("do not wait behind one that hangs", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using client = new EtcdClient({ endpoints: proxy.endpoint });
    await client.get("read/0");
    const { calls } = proxy;
    proxy.hold("answers");
    const hanging = client.get("read/1");
    await expect.poll(() => proxy.calls).toBe(calls + 1);
    const next = client.get("read/2");
    await expect.poll(() => proxy.calls).toBe(calls + 2);
    proxy.release();
    expect((await Promise.all([hanging, next])).map((kv) => kv?.text())).toEqual(["1", "2"]);
  });

  it("are fewer per transaction where the server allows fewer", async () => {
    await using small = await startEtcd({ args: ["--max-txn-ops=8"] });
    await using client = new EtcdClient({ endpoints: small.endpoints });
    const keys = Array.from({ length: 64 }, (_, index) => `small/${index}`);
    for (let round = 0; round < 5; round += 1) {
      const values = await Promise.all(keys.map(async (key) => client.get(key)));
      expect(values.every((kv) => kv === undefined)).toBe(true);
    }
  });

  it("are refused after the client is closed", async () => {
    const client = new EtcdClient({ endpoints: server.endpoints });
    const open = [client.get("read/1"), client.get("read/2")];
    await client.close();
    const outcomes = await Promise.allSettled([...open, client.get("read/3")]);
    expect(outcomes.at(-1)).toMatchObject({ status: "rejected", reason: { code: "CLOSED" } });
  });
});

describe("concurrent writes, where it is switched on", () => {
  it("share a transaction and its revision", async () => {
    const calls = await during(async () => {
      const results = await Promise.all(
        Array.from({ length: 40 }, async (_, index) => writing.put(`write/${index}`, String(index))),
      );
      expect(new Set(results.map(({ revision }) => revision)).size).toBe(1);
    });
    expect(calls).toEqual({ Range: 0, Txn: 1, Put: 0 });
    expect((await writing.range({ prefix: "write/" })).count).toBe(40n);
  });

  it("are not the default", async () => {
    const calls = await during(async () =>
      Promise.all(["a", "b"].map(async (key) => etcd.put(`own/${key}`, "x"))),
    );
    expect(calls).toEqual({ Range: 0, Txn: 0, Put: 2 });
  });

  it("to one key never share one: each has a revision and a version of its own", async () => {
    const results = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => writing.put("same", String(index), { prevKv: true })),
    );
    expect((await writing.get("same"))?.version).toBe(20n);
    expect(new Set(results.map(({ revision }) => revision)).size).toBe(20);
    // Each found what another one had written, and one found nothing.
    expect(new Set(results.map(({ prevKv }) => prevKv?.text())).size).toBe(20);
  });

  it("fail each for itself: a lease that does not exist does not harm the others", async () => {
    const [bad, good] = await Promise.allSettled([
      writing.put("lone/bad", "x", { lease: 123456789n }),
      writing.put("lone/good", "x"),
      writing.put("lone/better", "x"),
    ]);
    expect(bad).toMatchObject({
      status: "rejected",
      reason: { code: "LEASE_NOT_FOUND", outcome: "notApplied" },
    });
    expect(good).toMatchObject({ status: "fulfilled" });
    expect((await writing.range({ prefix: "lone/" })).kvs.map((kv) => kv.key)).toEqual([
      "lone/better",
      "lone/good",
    ]);
  });

  it("whose answer is lost are unknown, and not sent again", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using client = new EtcdClient({ endpoints: proxy.endpoint, coalesce: { writes: true } });
    await client.get("read/0");
    const lost = proxy.loseNextAnswer();
    const outcomes = await Promise.allSettled(["a", "b"].map(async (key) => client.put(`lost/${key}`, "x")));
    await lost;
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { outcome: "unknown" } });
    }
    const { kvs } = await etcd.range({ prefix: "lost/" });
    expect(kvs.map((kv) => kv.version)).toEqual([1n, 1n]);
  });
});

describe("wrong options", () => {
  it("are refused by name", () => {
    const make = (coalesce: unknown) => () =>
      new EtcdClient({ endpoints: "http://127.0.0.1:1", coalesce: coalesce as object });
    expect(make({ read: true })).toThrow(/coalesce: unknown option "read"/);
    expect(make({ reads: 1 })).toThrow(/coalesce.reads must be a boolean, received 1/);
    expect(make({ maxOperations: 1 })).toThrow(/coalesce.maxOperations must be .* received 1/);
  });
});
