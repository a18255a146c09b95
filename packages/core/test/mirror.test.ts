import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { EtcdClient, type KeyRange, Mirror, type MirrorChange, op } from "@quorumkit/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contentOf, record, sorted } from "./support/mirroring.ts";
import { watcherCount } from "./support/watching.ts";

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

async function listOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const summaryOf = (change: MirrorChange | undefined): unknown =>
  change?.changes.map(({ type, key, kv, previous }) => [type, key, kv?.text(), previous?.text()]);

describe("a mirror", () => {
  it("lists first, as one change before ready(), and then follows", async () => {
    await etcd.put("follow/a", "1");
    const { revision } = await etcd.put("follow/b", "2");
    const mirror = Mirror.start(etcd, { prefix: "follow/" });
    const told = record(mirror);
    expect([mirror.state, mirror.revision, mirror.size, mirror.staleSince]).toEqual([
      "loading",
      0n,
      0,
      undefined,
    ]);
    await mirror.ready();
    expect([mirror.state, mirror.revision, mirror.size, mirror.staleSince]).toEqual([
      "live",
      revision,
      2,
      undefined,
    ]);
    expect(told.states).toEqual(["loading", "live"]);
    expect(told.changes.length).toBe(1);
    expect(summaryOf(told.changes[0])).toEqual([
      ["put", "follow/a", "1", undefined],
      ["put", "follow/b", "2", undefined],
    ]);

    const put = await etcd.put("follow/a", "3");
    await expect.poll(() => mirror.revision).toBe(put.revision);
    expect(mirror.get("follow/a")?.text()).toBe("3");
    const gone = await etcd.delete("follow/b");
    await expect.poll(() => mirror.revision).toBe(gone.revision);
    expect(mirror.get("follow/b")).toBeUndefined();
    expect(told.changes.map(({ revision: each }) => each)).toEqual([revision, put.revision, gone.revision]);
    expect(told.changes.slice(1).map(summaryOf)).toEqual([
      [["put", "follow/a", "3", "1"]],
      [["delete", "follow/b", undefined, "2"]],
    ]);
    await mirror.close();
  });

  it("tells the changes of one transaction at once", async () => {
    await using mirror = await etcd.mirror({ prefix: "txn/" });
    const told = record(mirror);
    const puts = ["txn/a", "txn/b", "txn/c"].map((key) => op.put(key, "1"));
    const { revision } = await etcd
      .txn()
      .then(...puts)
      .commit();
    await expect.poll(() => mirror.revision).toBe(revision);
    expect(told.changes.length).toBe(1);
    expect(told.changes[0]?.changes.length).toBe(3);
  });

  it("of nothing is empty, tells nothing, and follows", async () => {
    await using mirror = await etcd.mirror({ prefix: "empty/" });
    const told = record(mirror);
    expect([mirror.state, mirror.size, contentOf(mirror)]).toEqual(["live", 0, {}]);
    await etcd.delete({ prefix: "empty/" });
    const { revision } = await etcd.put("empty/a", "1");
    await expect.poll(() => mirror.revision).toBe(revision);
    expect(told.changes.map(summaryOf)).toEqual([[["put", "empty/a", "1", undefined]]]);
  });

  it("keeps keys apart that are not text", async () => {
    const keys = [
      [0xff, 0xfe],
      [0xff, 0xfd],
      [0xff, 0],
      [0xff, 0xef, 0xbf, 0xbd],
    ].map((each) => Uint8Array.from(each));
    for (const [index, key] of keys.entries()) await etcd.put(key, `${index}`);
    await using mirror = await etcd.mirror({ prefix: Uint8Array.from([0xff]) });
    expect(mirror.size).toBe(4);
    for (const [index, key] of keys.entries()) expect(mirror.get(key)?.text()).toBe(`${index}`);
    const { revision } = await etcd.delete(keys[1] as Uint8Array);
    await expect.poll(() => mirror.revision).toBe(revision);
    expect(mirror.get(keys[0] as Uint8Array)?.text()).toBe("0");
    expect(mirror.get(keys[1] as Uint8Array)).toBeUndefined();
  });

  it("lists thousands of keys page by page as of one revision, while others write", async () => {
    const total = 5000;
    for (let first = 0; first < total; first += 100) {
      const puts = Array.from({ length: 100 }, (_, index) =>
        op.put(`pages/${String(first + index).padStart(5, "0")}`, "0"),
      );
      await etcd
        .txn()
        .then(...puts)
        .commit();
    }
    const written = new AbortController();
    const writer = (async () => {
      let revision = 0n;
      for (let index = 0; !written.signal.aborted; index += 1) {
        const key = `pages/${String((index * 37) % total).padStart(5, "0")}`;
        ({ revision } = index % 5 === 4 ? await etcd.delete(key) : await etcd.put(key, `${index}`));
      }
      return revision;
    })();
    const mirrors = Array.from({ length: 3 }, () => Mirror.start(etcd, { prefix: "pages/" }));
    const told = mirrors.map(record);
    await Promise.all(mirrors.map(async (each) => each.ready()));
    for (const [index, mirror] of mirrors.entries()) {
      // The first change is the listing: exactly what was there at its revision.
      const listing = told[index]?.changes[0];
      const then = await listOf(etcd.scan({ prefix: "pages/" }, { revision: listing?.revision ?? 0n }));
      expect(listing?.changes.map(({ kv }) => kv?.modRevision)).toEqual(
        then.map(({ modRevision }) => modRevision),
      );
      expect(mirror.size).toBeGreaterThan(3000);
    }
    written.abort();
    await writer;
    const now = await listOf(etcd.scan({ prefix: "pages/" }));
    const truth = sorted(now.map((kv) => [kv.key, kv.text()] as const));
    for (const [index, mirror] of mirrors.entries()) {
      await expect.poll(() => contentOf(mirror)).toEqual(truth);
      expect(told[index]?.state()).toEqual(truth);
      await mirror.close();
    }
  });
});

describe("a listener that throws", () => {
  it("does not stop the mirror; its error goes where uncaught errors go", async () => {
    await using mirror = await etcd.mirror({ prefix: "throws/" });
    mirror.on("change", () => {
      throw new Error("the listener's");
    });
    // The test runner's own handlers would take it for a failure.
    const runners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    const uncaught: unknown[] = [];
    process.on("uncaughtException", (error) => uncaught.push(error));
    try {
      await etcd.put("throws/a", "1");
      const { revision } = await etcd.put("throws/b", "2");
      await expect.poll(() => mirror.revision).toBe(revision);
      await expect.poll(() => uncaught.length).toBe(2);
    } finally {
      process.removeAllListeners("uncaughtException");
      for (const each of runners) process.on("uncaughtException", each);
    }
    expect(uncaught.map(String)).toEqual(["Error: the listener's", "Error: the listener's"]);
    expect([mirror.state, mirror.size]).toEqual(["live", 2]);
  });
});

describe("closing a mirror", () => {
  it("ends everything, keeps the last state readable, and may be done again", async () => {
    await expect.poll(async () => watcherCount(server)).toBe(0);
    await etcd.put("close/a", "1");
    const mirror = await etcd.mirror({ prefix: "close/" });
    const told = record(mirror);
    await Promise.all([mirror.close(), mirror.close()]);
    expect([mirror.state, told.states]).toEqual(["closed", ["live", "closed"]]);
    expect(mirror.staleSince).toBeInstanceOf(Date);
    expect(mirror.get("close/a")?.text()).toBe("1");
    await expect.poll(async () => watcherCount(server)).toBe(0);
    await etcd.put("close/a", "2");
    expect(told.changes).toEqual([]);
    await mirror.close();
  });

  it("while it loads rejects ready() with CLOSED", async () => {
    const mirror = Mirror.start(etcd, { prefix: "close/" });
    const ready = mirror.ready().catch((error: unknown) => error);
    await mirror.close();
    expect(await ready).toMatchObject({ code: "CLOSED" });
    expect(mirror.state).toBe("closed");
  });

  it("from within a listener stops the telling", async () => {
    const mirror = Mirror.start(etcd, { prefix: "stop/" });
    await mirror.ready();
    const revisions: bigint[] = [];
    mirror.on("change", ({ revision }) => {
      revisions.push(revision);
      void mirror.close();
    });
    await Promise.all(Array.from({ length: 20 }, async (_, index) => etcd.put(`stop/${index}`, "")));
    await expect.poll(() => mirror.state).toBe("closed");
    expect(revisions.length).toBe(1);
  });

  it("happens with its client", async () => {
    const own = new EtcdClient({ endpoints: server.endpoints });
    const mirror = await own.mirror({ prefix: "close/" });
    await own.close();
    await expect.poll(() => mirror.state).toBe("closed");
    await expect(own.mirror({ prefix: "close/" })).rejects.toMatchObject({ code: "CLOSED" });
    await mirror.close();
  });
});

describe("wrong use of a mirror", () => {
  it("is refused at once and by name", async () => {
    expect(() => Mirror.start(etcd, "")).toThrow(TypeError);
    expect(() => Mirror.start(etcd, { prefixes: "a" } as unknown as KeyRange)).toThrow(TypeError);
    await expect(etcd.mirror("")).rejects.toThrow(TypeError);
    await expect(etcd.mirror("a", { timeout: 5 } as object)).rejects.toThrow(/unknown option "timeout"/);
    await expect(etcd.mirror("a", { timeoutMs: -1 })).rejects.toThrow(/timeoutMs/);
    await using mirror = await etcd.mirror("a");
    await expect(mirror.ready({ timeout: 5 } as object)).rejects.toThrow(/unknown option "timeout"/);
    expect(() => mirror.get("")).toThrow(TypeError);
  });
});
