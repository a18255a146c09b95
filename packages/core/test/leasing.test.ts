import { compare, EtcdClient, type KeyValue, type Leasing, type LeasingOptions, op } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OwnedKey } from "../src/leasing/owned-keys.ts";
import { answerOf } from "./support/answer-of.ts";
import { rpcCount } from "./support/rpc-count.ts";

let server: EtcdServer;
/** Writes and reads past the caches. */
let etcd: EtcdClient;
beforeAll(async () => {
  server = await startEtcd();
  etcd = new EtcdClient({ endpoints: server.endpoints });
});
afterAll(async () => {
  await etcd.close();
  await server.close();
});

let prefixes = 0;
const newPrefix = (): string => `leasing/${prefixes++}/`;
const text = (kv: KeyValue | undefined): string | undefined => kv?.text();
const owners = async (prefix: string): Promise<readonly string[]> =>
  (await etcd.range({ prefix })).kvs.map(({ key }) => key.slice(prefix.length));

/** Two caches of two clients, as of two processes, with keys of their own. */
async function two(options: LeasingOptions = {}): Promise<{
  readonly prefix: string;
  readonly a: Leasing;
  readonly b: Leasing;
  readonly key: (name: string) => string;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const prefix = newPrefix();
  const clients = [1, 2].map(() => new EtcdClient({ endpoints: server.endpoints }));
  const [a, b] = await Promise.all(clients.map(async (client) => client.leasing(prefix, options)));
  if (a === undefined || b === undefined) throw new Error("there are two clients");
  const close = async (): Promise<void> =>
    void (await Promise.all(clients.map(async (each) => each.close())));
  return { prefix, a, b, key: (name) => `values/${prefix}${name}`, [Symbol.asyncDispose]: close };
}

/** How often etcd was asked about keys while `run` ran. */
async function asked(run: () => Promise<unknown>): Promise<number> {
  const count = async (): Promise<number> =>
    (await rpcCount(server, "Range")) + (await rpcCount(server, "Txn")) + (await rpcCount(server, "Put"));
  const before = await count();
  await run();
  return (await count()) - before;
}

describe("a leasing cache", () => {
  it("reads a key once, and then answers from memory what nobody has written meanwhile", async () => {
    await using caches = await two();
    const { prefix, a, key } = caches;
    await a.put(key("k"), "1");
    const first = await a.get(key("k"));
    expect(await owners(prefix)).toEqual([key("k")]);
    expect((await etcd.get(prefix + key("k")))?.text()).toBe("");
    expect(a.size).toBe(1);
    let again: KeyValue | undefined;
    const reading = async (): Promise<void> => {
      for (let each = 0; each < 100; each += 1) again = await a.get(key("k"));
    };
    expect(await asked(reading)).toBe(0);
    expect(again?.toJSON()).toEqual(first?.toJSON());
    expect(text(again)).toBe("1");
  });

  it("knows of a key that is not there that it is not", async () => {
    await using caches = await two();
    const { a, b, key } = caches;
    expect(await a.get(key("k"))).toBeUndefined();
    expect(await asked(async () => expect(await a.get(key("k"))).toBeUndefined())).toBe(0);
    await b.put(key("k"), "new");
    expect(text(await a.get(key("k")))).toBe("new");
  });

  it("has what it wrote itself, with all of etcd's bookkeeping", async () => {
    await using caches = await two();
    const { a, key } = caches;
    await a.get(key("k"));
    const { revision } = await a.put(key("k"), "1");
    const { revision: later, prevKv } = await a.put(key("k"), "2", { prevKv: true });
    expect(text(prevKv)).toBe("1");
    let kv: KeyValue | undefined;
    expect(await asked(async () => (kv = await a.get(key("k"))))).toBe(0);
    expect(kv).toMatchObject({ createRevision: revision, modRevision: later, version: 2n, lease: 0n });
    expect(kv?.toJSON()).toEqual((await etcd.get(key("k")))?.toJSON());
    expect(await a.delete(key("k"), { prevKv: true })).toMatchObject({ deleted: 1n });
    expect(await asked(async () => expect(await a.get(key("k"))).toBeUndefined())).toBe(0);
  });

  it("gives a key up when another one writes it, and has what that wrote", async () => {
    await using caches = await two();
    const { prefix, a, b, key } = caches;
    await a.put(key("k"), "1");
    await a.get(key("k"));
    await b.put(key("k"), "2");
    expect(await owners(prefix)).toEqual([]);
    expect(text(await a.get(key("k")))).toBe("2");
    // Not at once again, so that the writer gets on.
    expect(await owners(prefix)).toEqual([]);
    await b.delete(key("k"));
    expect(await a.get(key("k"))).toBeUndefined();
    // It was never b's to lose, so b may have it.
    expect(await b.get(key("k"))).toBeUndefined();
    expect(await owners(prefix)).toEqual([key("k")]);
    expect(b.size).toBe(1);
    await a.put(key("k"), "3");
    expect(text(await b.get(key("k")))).toBe("3");
  });

  it("does not keep a key that is on a lease, nor one that it puts on a lease itself", async () => {
    await using caches = await two();
    const { prefix, a, key } = caches;
    const lease = await etcd.leases.grant({ ttlSeconds: 60 });
    await etcd.put(key("k"), "1", { lease });
    expect(text(await a.get(key("k")))).toBe("1");
    expect(await owners(prefix)).toEqual([]);
    await a.get(key("other"));
    expect(a.size).toBe(1);
    await a.put(key("other"), "1", { lease });
    expect(a.size).toBe(0);
    await expect.poll(async () => owners(prefix)).toEqual([]);
    await etcd.leases.revoke(lease);
    expect(await a.get(key("other"))).toBeUndefined();
    expect(await a.get(key("k"))).toBeUndefined();
  });

  it("keeps no more keys than it may, and those used last", async () => {
    await using caches = await two({ maxKeys: 2 });
    const { prefix, a, key } = caches;
    for (const name of ["1", "2", "1", "3"]) await a.get(key(name));
    expect(a.size).toBe(2);
    await expect.poll(async () => owners(prefix)).toEqual([key("1"), key("3")]);
    expect(await asked(async () => a.get(key("1")))).toBe(0);
  });

  it("writes a key that is not there as etcd would", async () => {
    await using caches = await two();
    const { a, key } = caches;
    await a.get(key("k"));
    expect(await answerOf(a.put(key("k"), "", { ignoreValue: true }))).toBe("INVALID_ARGUMENT");
    expect(await a.delete(key("k"))).toMatchObject({ deleted: 0n });
    expect(a.size).toBe(1);
  });

  it("works with keys that are no text, and passes on what is no plain read", async () => {
    await using caches = await two();
    const { prefix, a, key } = caches;
    const bytes = Buffer.concat([Buffer.from(key("")), Buffer.from([0xff, 0, 0xfe])]);
    await a.put(bytes, "1");
    await a.get(bytes);
    expect(text(await a.get(bytes))).toBe("1");
    const [owner] = (await etcd.range({ prefix })).kvs;
    expect(owner?.keyBytes).toEqual(Buffer.concat([Buffer.from(prefix), bytes]));
    const { revision } = await a.put(bytes, "2");
    expect(text(await a.get(bytes, { revision: revision - 1n }))).toBe("1");
    expect((await a.get(bytes, { keysOnly: true }))?.value).toHaveLength(0);
    expect((await a.range({ prefix: key("") })).kvs.map(text)).toEqual(["2"]);
  });

  it("lets many write and read one key at the same time, and ends with what was written last", async () => {
    await using caches = await two();
    const { a, b, key } = caches;
    await a.put(key("k"), "0");
    await a.get(key("k"));
    const writes = Array.from({ length: 20 }, async (_, index) =>
      (index % 2 === 0 ? a : b).put(key("k"), String(index), { timeoutMs: 20_000 }),
    );
    const reads = Array.from({ length: 20 }, async (_, index) => (index % 2 === 0 ? a : b).get(key("k")));
    await Promise.all([...writes, ...reads]);
    const expected = text(await etcd.get(key("k")));
    expect([text(await a.get(key("k"))), text(await b.get(key("k")))]).toEqual([expected, expected]);
    expect((await etcd.get(key("k")))?.version).toBe(21n);
  });
});

it("the answers of writes that come in another order leave the last one's", async () => {
  const [older, newer] = await Promise.all(
    ["old", "new"].map(async (name) => {
      await etcd.put(`values/order/${name}`, name);
      return etcd.get(`values/order/${name}`);
    }),
  );
  const owned = new OwnedKey("k", 1n, undefined, 1n);
  owned.learn(newer, 3n);
  owned.learn(older, 2n);
  expect(text(owned.kv)).toBe("new");
});

describe("a range that is deleted", () => {
  it("is given up by all who own a part of it", async () => {
    await using caches = await two();
    const { prefix, a, b, key } = caches;
    for (const name of ["in/1", "in/2", "out"]) await a.put(key(name), "1");
    await a.get(key("in/1"));
    await b.get(key("in/2"));
    await b.get(key("in/3"));
    await a.get(key("out"));
    expect(await a.delete({ prefix: key("in/") })).toMatchObject({ deleted: 2n });
    expect(await owners(prefix)).toEqual([key("out")]);
    expect([await a.get(key("in/1")), await b.get(key("in/2"))]).toEqual([undefined, undefined]);
    expect(text(await b.get(key("out")))).toBe("1");
    await b.delete({ from: key("o") });
    expect(await a.get(key("out"))).toBeUndefined();
  });
});

describe("a transaction", () => {
  it("writes what others own, and what it owns itself, in one step", async () => {
    await using caches = await two();
    const { a, b, key } = caches;
    await a.get(key("1"));
    await b.get(key("2"));
    const { succeeded, results, revision } = await a
      .txn()
      .if(compare(key("1")).version.equals(0n))
      .then(op.put(key("1"), "one"), op.put(key("2"), "two"))
      .then(op.get(key("2")))
      .else(op.put(key("3"), "no"))
      .commit();
    expect(succeeded).toBe(true);
    expect(results[2]).toMatchObject({ modRevision: revision });
    let kv: KeyValue | undefined;
    expect(await asked(async () => (kv = await a.get(key("1"))))).toBe(0);
    expect(kv).toMatchObject({ modRevision: revision });
    expect(text(await b.get(key("2")))).toBe("two");
  });

  it("may be nested, delete ranges, and run the other branch", async () => {
    await using caches = await two();
    const { a, b, key } = caches;
    await b.put(key("in/1"), "1");
    await b.get(key("in/1"));
    await b.get(key("2"));
    const inner = etcd.txn().then(op.delete({ prefix: key("in/") }), op.put(key("2"), "2"));
    const { succeeded, results } = await a
      .txn()
      .if(compare(key("in/1")).version.equals(0n))
      .then(op.put(key("3"), "no"))
      .else(op.txn(inner))
      .commit();
    expect(succeeded).toBe(false);
    expect(results).toMatchObject([{ succeeded: true, results: [{ deleted: 1n }, {}] }]);
    expect(await b.get(key("in/1"))).toBeUndefined();
    expect(text(await b.get(key("2")))).toBe("2");
    const read = await a
      .txn()
      .then(op.get(key("2")))
      .commit();
    expect(text(read.results[0])).toBe("2");
  });
});

describe("the keys of Go's leasing", () => {
  it("are respected: an owner that is asked gives up, a writer asks and waits", async () => {
    await using caches = await two();
    const { prefix, a, key } = caches;
    await a.put(key("k"), "1");
    await a.get(key("k"));
    const ownership = prefix + key("k");
    // What Go's does that wants to write.
    await etcd.put(ownership, "REVOKE", { ignoreLease: true });
    await expect.poll(async () => etcd.get(ownership)).toBeUndefined();
    await etcd.put(key("k"), "of Go");
    expect(text(await a.get(key("k")))).toBe("of Go");
    // What Go's does that owns.
    const lease = await etcd.leases.grant({ ttlSeconds: 60 });
    const theirs = await etcd
      .txn()
      .then(op.put(ownership, "", { lease }))
      .commit();
    const writing = a.put(key("k"), "2");
    await expect.poll(async () => text(await etcd.get(ownership))).toBe("REVOKE");
    expect(await etcd.get(ownership)).toMatchObject({ lease: lease.id, createRevision: theirs.revision });
    expect(text(await etcd.get(key("k")))).toBe("of Go");
    await etcd.delete(ownership);
    await writing;
    expect(text(await etcd.get(key("k")))).toBe("2");
  });
});

describe("closing", () => {
  it("gives up all keys, ends the session, and refuses what comes later", async () => {
    const prefix = newPrefix();
    await using client = new EtcdClient({ endpoints: server.endpoints });
    const cache = await client.leasing(prefix);
    await cache.get(`data/${prefix}k`);
    const [owner] = (await etcd.range({ prefix })).kvs;
    await Promise.all([cache.close(), cache.close()]);
    expect(await owners(prefix)).toEqual([]);
    expect(cache.size).toBe(0);
    expect(await etcd.leases.list()).not.toContain(owner?.lease);
    const late = [cache.get("a"), cache.put("a", "b"), cache.delete("a"), cache.range("a")];
    const txn = cache.txn().then(op.put("a", "b")).commit();
    expect(await Promise.all([...late, txn].map(answerOf))).toEqual(Array(5).fill("CLOSED"));
  });

  it("leaves a session alone that is the caller's, and another cache may then use it", async () => {
    const prefix = newPrefix();
    await using client = new EtcdClient({ endpoints: server.endpoints });
    const session = await client.openSession();
    const cache = await client.leasing(prefix, { session });
    expect(await answerOf(client.leasing(prefix, { session }))).toBe("LOCK_HELD");
    await cache.get(`data/${prefix}k`);
    expect((await etcd.range({ prefix })).kvs).toMatchObject([{ lease: session.leaseId }]);
    await cache.close();
    expect(await owners(prefix)).toEqual([]);
    expect(session.alive).toBe(true);
    await using next = await client.leasing(prefix, { session });
    await next.get(`data/${prefix}k`);
    expect(next.size).toBe(1);
  });

  it("ends a write that waits for another owner", async () => {
    await using caches = await two();
    const { prefix, a, key } = caches;
    await etcd.put(prefix + key("k"), "");
    const writing = a.put(key("k"), "1").catch((error: unknown) => error);
    await expect.poll(async () => text(await etcd.get(prefix + key("k")))).toBe("REVOKE");
    await a.close();
    expect(await writing).toMatchObject({ code: "CLOSED", outcome: "notApplied" });
  });
});

it("works in a namespace, of which the ownership keys are part", async () => {
  await using client = new EtcdClient({ endpoints: server.endpoints });
  const tenant = client.namespace("tenant/");
  await using cache = await tenant.leasing("own/");
  await cache.put("k", "1");
  await cache.get("k");
  expect(cache.size).toBe(1);
  expect(await owners("tenant/own/")).toEqual(["k"]);
});

it("refuses what is wrong", async () => {
  const open = async (prefix: string, options?: object): Promise<Leasing> => etcd.leasing(prefix, options);
  await expect(open("")).rejects.toThrow(/prefix must not be empty/);
  await expect(open("a", { maxKey: 1 })).rejects.toThrow(/leasing: unknown option "maxKey"/);
  await expect(open("a", { maxKeys: 0 })).rejects.toThrow(
    /maxKeys must be a whole number at least 1, received 0/,
  );
  await expect(open("a", { ttlSeconds: 0.5 })).rejects.toThrow(/ttlSeconds must be a whole number/);
  await expect(open("a", { session: {} })).rejects.toThrow(/session must be a Session/);
  await using caches = await two();
  const { prefix, a, key } = caches;
  const own = /put: key must be none of the ownership keys/;
  await expect(a.put(`${prefix}x`, "1")).rejects.toThrow(own);
  await expect(a.delete({ prefix: "" })).rejects.toThrow(/delete: key must be none of the ownership keys/);
  await expect(a.delete({ from: "leasing" })).rejects.toThrow(TypeError);
  await expect(a.txn().then(op.delete({ prefix })).commit()).rejects.toThrow(TypeError);
  await expect(a.put(key("k"), "1", { wait: true } as object)).rejects.toThrow(/put: unknown option "wait"/);
  await expect(a.get({ prefix: "a" } as unknown as string)).rejects.toThrow(/get takes one key/);
  await expect(a.get(key("k"), { timeoutMs: 0 })).rejects.toThrow(/timeoutMs/);
  expect(await owners(prefix)).toEqual([]);
  // A read of one is the client's.
  await a.get(key("k"));
  expect(text(await a.get(prefix + key("k")))).toBe("");
  expect(await a.get(`${prefix}x`)).toBeUndefined();
  expect(await owners(prefix)).toEqual([key("k")]);
});
