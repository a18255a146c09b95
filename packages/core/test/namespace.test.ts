import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { type Compare, compare, EtcdClient, type KeyValue, op } from "@quorumkit/core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

let server: EtcdServer;
/** Sees the keys as they are. */
let root: EtcdClient;
/** Sees those under `app/`. */
let app: EtcdClient;
beforeAll(async () => {
  server = await startEtcd();
  root = new EtcdClient({ endpoints: server.endpoints });
  app = new EtcdClient({ endpoints: server.endpoints, namespace: "app/" });
});
afterAll(async () => {
  await Promise.all([root.close(), app.close()]);
  await server.close();
});

/** Keys right before, at and right behind the namespace, which nothing in it may see or touch. */
const OUTSIDE = ["app", "app.", "app/", "app0", "apq/a", "z"];
beforeEach(async () => {
  await root.delete({ prefix: "" });
  await root.putAll(OUTSIDE.map((key) => [key, "outside"]));
});

async function keysOf(etcd: EtcdClient): Promise<readonly string[]> {
  return namesOf((await etcd.range({ prefix: "" })).kvs);
}

function namesOf(kvs: readonly KeyValue[]): readonly string[] {
  return kvs.map(({ key }) => key);
}

async function expectOutsideUntouched(): Promise<void> {
  const { kvs } = await root.range({ prefix: "" });
  const outside = kvs.filter(({ key }) => !/^app\/./.test(key));
  expect(namesOf(outside)).toEqual(OUTSIDE);
  expect(outside.every((kv) => kv.text() === "outside" && kv.version === 1n)).toBe(true);
}

describe("one key", () => {
  it("is put with the prefix and got without", async () => {
    await app.put("a", "1");
    const kv = await app.get("a");
    expect(kv?.key).toBe("a");
    expect(kv?.keyBytes).toEqual(Buffer.from("a"));
    expect(kv?.text()).toBe("1");
    expect((await root.get("app/a"))?.text()).toBe("1");
    expect(await app.get("app/a")).toBeUndefined();
    expect(await app.get("z")).toBeUndefined();
  });

  it("is told without the prefix where it was before", async () => {
    await app.put("a", "1");
    const { prevKv } = await app.put("a", "2", { prevKv: true });
    expect(prevKv?.key).toBe("a");
    const { prevKvs, deleted } = await app.delete("a", { prevKv: true });
    expect(deleted).toBe(1n);
    expect(namesOf(prevKvs)).toEqual(["a"]);
    expect((await app.put("a", "3", { prevKv: true })).prevKv).toBeUndefined();
  });

  it("may have no name, inside as outside", async () => {
    await expect(app.put("", "1")).rejects.toThrow(TypeError);
    await expect(app.get("")).rejects.toThrow(TypeError);
  });

  it("is read together with others", async () => {
    await app.putAll([
      ["a", "1"],
      ["b", "2"],
    ]);
    await root.put("a", "elsewhere");
    const read = await Promise.all([app.get("a"), app.get("b"), app.get("a"), app.get("c")]);
    expect(read.map((kv) => kv && `${kv.key}=${kv.text()}`)).toEqual(["a=1", "b=2", "a=1", undefined]);
  });

  it("is written together with others", async () => {
    await using etcd = new EtcdClient({
      endpoints: server.endpoints,
      namespace: "app/",
      coalesce: { writes: true },
    });
    await etcd.put("a", "0");
    const [a] = await Promise.all([
      etcd.put("a", "1", { prevKv: true }),
      etcd.put("b", "2"),
      etcd.put("c", "3"),
    ]);
    expect(a.prevKv?.key).toBe("a");
    expect(await keysOf(app)).toEqual(["a", "b", "c"]);
    await expectOutsideUntouched();
  });

  it("is found by the short forms", async () => {
    expect(await app.putIfAbsent("a", "1")).toMatchObject({ created: true });
    expect(await app.putIfAbsent("a", "2")).toMatchObject({ created: false, current: { key: "a" } });
    expect(await app.compareAndSwap("a", "1", "2")).toMatchObject({ swapped: true });
    expect(await app.compareAndSwap("a", "1", "3")).toMatchObject({ swapped: false, current: { key: "a" } });
    const { lease } = await app.putWithTtl("b", "1", { ttlSeconds: 60 });
    expect((await root.get("app/b"))?.lease).toBe(lease.id);
    await app.stm(async (tx) => {
      const kv = await tx.get("a");
      expect(kv?.key).toBe("a");
      tx.put("c", `${kv?.text()}!`);
      tx.delete("b");
    });
    expect(await keysOf(app)).toEqual(["a", "c"]);
    expect((await root.get("app/c"))?.text()).toBe("2!");
  });
});

describe("ranges", () => {
  beforeEach(async () => {
    await app.putAll(["a", "b/1", "b/2", "c", "\u{10ffff}"].map((key) => [key, key]));
  });

  it.each([
    ["everything", { prefix: "" }, ["a", "b/1", "b/2", "c", "\u{10ffff}"]],
    ["a prefix", { prefix: "b/" }, ["b/1", "b/2"]],
    ["an interval", { from: "b", to: "c" }, ["b/1", "b/2"]],
    ["from a key on", { from: "b/2" }, ["b/2", "c", "\u{10ffff}"]],
    ["from the first key on", { from: "" }, ["a", "b/1", "b/2", "c", "\u{10ffff}"]],
    ["up to a key", { from: "", to: "b/2" }, ["a", "b/1"]],
    ["nothing", { prefix: "nothing/" }, []],
  ])("%s", async (_, range, expected) => {
    const { kvs, count, more } = await app.range(range);
    expect(namesOf(kvs)).toEqual(expected);
    expect(count).toBe(BigInt(expected.length));
    expect(more).toBe(false);
    expect(namesOf((await app.range(range, { keysOnly: true, limit: 1 })).kvs)).toEqual(expected.slice(0, 1));
    expect((await app.range(range, { countOnly: true })).count).toBe(BigInt(expected.length));
    expect(namesOf((await app.delete(range, { prevKv: true })).prevKvs)).toEqual(expected);
    await expectOutsideUntouched();
  });

  it("a prefix that has no end of its own ends with the namespace", async () => {
    const key = new Uint8Array([0xff, 0xff, 1]);
    await app.put(key, "last");
    const prefix = new Uint8Array([0xff, 0xff]);
    expect((await app.range({ prefix })).kvs.map((kv) => [...kv.keyBytes])).toEqual([[...key]]);
    expect((await app.delete({ prefix })).deleted).toBe(1n);
    await expectOutsideUntouched();
  });

  it("all is deleted inside, and nothing else", async () => {
    expect((await app.delete({ prefix: "" })).deleted).toBe(5n);
    expect(await keysOf(root)).toEqual(OUTSIDE);
    await expectOutsideUntouched();
  });

  it("are scanned page by page at one revision", async () => {
    const keys = Array.from({ length: 25 }, (__, index) => `scan/${String(index).padStart(2, "0")}`);
    await app.putAll(keys.map((key) => [key, key]));
    const pages: (readonly string[])[] = [];
    for await (const { kvs } of app.pages({ prefix: "scan/" }, { pageSize: 10 })) {
      if (pages.length === 0) await app.put("scan/99", "too late");
      pages.push(namesOf(kvs));
    }
    expect(pages.flat()).toEqual(keys);
    expect(pages[0]).toEqual(keys.slice(0, 10));
    expect(await keysOf(app)).toContain("scan/99");
    const all: string[] = [];
    for await (const kv of app.scan({ from: "scan/" }, { pageSize: 7 })) all.push(kv.key);
    expect(all).toEqual([...keys, "scan/99", "\u{10ffff}"]);
  });

  it("are sorted by what the keys are called", async () => {
    const { kvs } = await app.range({ prefix: "" }, { sort: { by: "key", order: "descending" }, limit: 2 });
    expect(namesOf(kvs)).toEqual(["\u{10ffff}", "c"]);
  });
});

describe("transactions", () => {
  it("have the prefix in conditions, operations and answers, nested ones included", async () => {
    await app.put("a", "1");
    const innermost = app
      .txn()
      .if(compare("x").version.greaterThan(0n))
      .else(op.range({ from: "" }), op.delete("b/"));
    const inner = app
      .txn()
      .if(compare("a").value.equals("1"))
      .then(op.put("b", "2", { prevKv: true }), op.get("a"))
      .then(op.txn(innermost));
    const result = await app
      .txn()
      .if(compare("a").version.equals(1n), compare("missing").version.equals(0n))
      .then(op.txn(inner), op.delete({ prefix: "gone/" }))
      .then(op.range({ prefix: "" }))
      .else(op.get("a"))
      .commit();
    expect(result.succeeded).toBe(true);
    const [nested, deleted, listed] = result.results as never as [
      { results: [{ prevKv: undefined }, KeyValue, { succeeded: boolean; results: [{ kvs: KeyValue[] }] }] },
      { deleted: bigint },
      { kvs: KeyValue[] },
    ];
    expect(nested.results[1].key).toBe("a");
    expect(nested.results[2].succeeded).toBe(false);
    expect(namesOf(nested.results[2].results[0].kvs)).toEqual(["a", "b"]);
    expect(deleted.deleted).toBe(0n);
    expect(namesOf(listed.kvs)).toEqual(["a", "b"]);
    await expectOutsideUntouched();
  });

  it("give keys as they were before without the prefix, at any depth", async () => {
    await app.putAll([
      ["a", "1"],
      ["b", "1"],
      ["c/1", "1"],
    ]);
    const inner = app
      .txn()
      .then(op.put("a", "2", { prevKv: true }), op.delete({ prefix: "c/" }, { prevKv: true }));
    const { results } = await app
      .txn()
      .then(op.txn(inner), op.put("b", "2", { prevKv: true }))
      .commit();
    expect(results[1]?.prevKv?.key).toBe("b");
    expect(results[0]?.results[0]).toMatchObject({ prevKv: { key: "a" } });
    expect(results[0]?.results[1]).toMatchObject({ prevKvs: [{ key: "c/1" }] });
  });

  it("compare over the namespace's keys only", async () => {
    await app.put("a", "mine");
    const holds = async (condition: Compare): Promise<boolean> =>
      (await app.txn().if(condition).commit()).succeeded;
    // Outside there are others with the value "outside" on all sides.
    expect(await holds(compare({ prefix: "" }).value.equals("mine"))).toBe(true);
    expect(await holds(compare({ from: "" }).value.equals("mine"))).toBe(true);
    expect(await holds(compare({ from: "a" }).value.equals("mine"))).toBe(true);
    expect(await holds(compare({ from: "", to: "b" }).value.equals("mine"))).toBe(true);
    expect(await holds(compare({ prefix: "b" }).createRevision.equals(0n))).toBe(true);
    expect(await holds(compare("a").value.equals("mine"))).toBe(true);
    expect(await holds(compare("z").version.equals(0n))).toBe(true);
    await app.put("b", "other");
    expect(await holds(compare({ prefix: "" }).value.equals("mine"))).toBe(false);
  });

  it("do not change what they are made of, so they can be committed anywhere and again", async () => {
    const create = op.put("a", "1");
    const txn = app.txn().if(compare("a").version.equals(0n)).then(create);
    expect((await txn.commit()).succeeded).toBe(true);
    expect((await txn.commit()).succeeded).toBe(false);
    await root.txn().then(create).commit();
    expect((await root.get("a"))?.text()).toBe("1");
    expect(await keysOf(app)).toEqual(["a"]);
  });
});

describe("leases", () => {
  it("are the cluster's, with the keys that are inside", async () => {
    const lease = await root.leases.grant({ ttlSeconds: 60 });
    await app.put("a", "1", { lease });
    await root.put("app/", "1", { lease });
    await root.put("other", "1", { lease });
    const left = await app.leases.timeToLive(lease, { keys: true });
    expect(left?.keys.map(String)).toEqual(["a"]);
    expect((await root.leases.timeToLive(lease, { keys: true }))?.keys.map(String).toSorted()).toEqual([
      "app/",
      "app/a",
      "other",
    ]);
    expect((await app.leases.timeToLive(lease))?.keys).toEqual([]);
    expect(await app.leases.list()).toContain(lease.id);
    await app.leases.revoke(lease);
    expect(await root.get("other")).toBeUndefined();
  });
});

describe("composition", () => {
  it("puts the inner prefix behind the outer one", async () => {
    const tenant = app.namespace("tenant-1/");
    const deep = tenant.namespace(Buffer.from("x/"));
    expect(String(deep.keyPrefix)).toBe("app/tenant-1/x/");
    await deep.put("a", "1");
    expect((await root.get("app/tenant-1/x/a"))?.text()).toBe("1");
    expect((await app.get("tenant-1/x/a"))?.key).toBe("tenant-1/x/a");
    expect((await tenant.get("x/a"))?.key).toBe("x/a");
    expect(await keysOf(deep)).toEqual(["a"]);
    expect(root.namespace("").keyPrefix.length).toBe(0);
    expect(await keysOf(root.namespace(""))).toEqual(await keysOf(root));
  });

  it("two namespaces never see each other", async () => {
    const one = root.namespace("t/1/");
    const two = root.namespace("t/2/");
    await one.put("a", "1");
    await two.put("a", "2");
    expect((await one.get("a"))?.text()).toBe("1");
    expect((await two.get("a"))?.text()).toBe("2");
    expect((await one.delete({ from: "" })).deleted).toBe(1n);
    expect(await keysOf(two)).toEqual(["a"]);
    expect(await keysOf(root)).toContain("t/2/a");
  });

  it("keeps its own copy of the prefix", async () => {
    const prefix = Buffer.from("copy/");
    const copy = root.namespace(prefix);
    prefix.fill("x");
    copy.keyPrefix.fill("y");
    await copy.put("a", "1");
    expect((await root.get("copy/a"))?.text()).toBe("1");
    const option = Buffer.from("option/");
    await using etcd = new EtcdClient({ endpoints: server.endpoints, namespace: option });
    option.fill("x");
    await etcd.put("a", "1");
    expect((await root.get("option/a"))?.text()).toBe("1");
  });

  it("refuses what is no prefix", () => {
    expect(() => root.namespace(5 as never)).toThrow(
      /namespace must be a string or a Uint8Array, received 5/,
    );
    expect(() => new EtcdClient({ endpoints: "localhost:1", namespace: {} as never })).toThrow(
      /namespace must be/,
    );
  });
});

describe("a prefix that ends in 0xff", () => {
  it.each([
    ["one", [0x61, 0xff], [0x62]],
    ["several", [0x61, 0xff, 0xff], [0x61, 0xff]],
    ["nothing else", [0xff, 0xff], [0xfe]],
  ])("%s", async (_, bytes, neighbour) => {
    const prefix = new Uint8Array(bytes);
    const etcd = root.namespace(prefix);
    // What follows the namespace at once, and what comes right before it.
    await root.put(new Uint8Array(neighbour), "outside");
    await root.put(prefix, "outside");
    const before = (await root.range({ prefix: "" })).count;
    await etcd.put("a", "1");
    await etcd.put(new Uint8Array([0xff, 0xff]), "2");
    const inside = [Buffer.from("a"), Buffer.from([0xff, 0xff])];
    expect((await etcd.range({ from: "" })).kvs.map(({ keyBytes }) => keyBytes)).toEqual(inside);
    expect((await etcd.range({ prefix: "" })).kvs.map(({ keyBytes }) => keyBytes)).toEqual(inside);
    expect((await etcd.range({ from: "b" })).count).toBe(1n);
    expect((await etcd.delete({ from: "" })).deleted).toBe(2n);
    expect((await root.range({ prefix: "" })).count).toBe(before);
  });
});

describe("the services inside etcd", () => {
  it("lock by names of the namespace", async () => {
    await using session = await app.openSession();
    const key = await app.lockService.lock("jobs", { lease: session.lease });
    expect(String(key)).toBe(`jobs/${session.leaseId.toString(16)}`);
    expect((await app.get(key))?.lease).toBe(session.leaseId);
    expect(await root.get(`app/${String(key)}`)).toBeDefined();
    expect(await app.lock("jobs").tryAcquire()).toBeUndefined();
    await app.lockService.unlock(key);
    expect(await app.get(key)).toBeUndefined();
    await expectOutsideUntouched();
  });

  it("elect by names of the namespace", async () => {
    await using session = await app.openSession();
    const service = app.electionService;
    expect(await service.leader("boss")).toBeUndefined();
    const leadership = await service.campaign("boss", "one", { lease: session.lease });
    expect(String(leadership.name)).toBe("boss");
    expect(String(leadership.key)).toBe(`boss/${session.leaseId.toString(16)}`);
    expect((await root.get(`app/${String(leadership.key)}`))?.createRevision).toBe(leadership.revision);
    expect((await service.leader("boss"))?.keyBytes).toEqual(leadership.key);
    const seen: string[] = [];
    for await (const kv of service.observe("boss")) {
      expect(kv.keyBytes).toEqual(leadership.key);
      seen.push(kv.text());
      if (seen.length === 2) break;
      await service.proclaim(leadership, "two");
    }
    expect(seen).toEqual(["one", "two"]);
    await service.resign(leadership);
    expect(await app.get(leadership.key)).toBeUndefined();
    await expectOutsideUntouched();
  });
});
