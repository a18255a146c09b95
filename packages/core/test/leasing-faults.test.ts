import { status } from "@grpc/grpc-js";
import { EtcdClient, type KeyValue, type Leasing } from "@quorumkit/core";
import { EmbeddedEtcd, startEtcd, startFaultProxy } from "@quorumkit/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { answerOf } from "./support/answer-of.ts";

const PREFIX = "own/";
const text = (kv: KeyValue | undefined): string | undefined => kv?.text();

describe("an owner that cannot be reached", () => {
  it(
    "answers from memory while its lease is proven, never after another one has written",
    { timeout: 30_000 },
    async () => {
      await using server = await startEtcd();
      await using proxy = await startFaultProxy(server);
      await using near = new EtcdClient({ endpoints: server.endpoints });
      await using far = new EtcdClient({ endpoints: proxy.endpoints, timeoutMs: 500 });
      const writer = await near.leasing(PREFIX);
      const owner = await far.leasing(PREFIX, { ttlSeconds: 3 });
      await writer.put("k", "old");
      expect(text(await owner.get("k"))).toBe("old");
      proxy.halfOpen();
      expect(text(await owner.get("k"))).toBe("old");
      expect(await answerOf(writer.put("k", "early", { timeoutMs: 300 }))).toBe("TIMEOUT");
      const progress = { written: false };
      const writing = writer.put("k", "new", { timeoutMs: 15_000 }).then(() => (progress.written = true));
      const answers: string[] = [];
      let refused = 0;
      while (refused === 0 || !progress.written) {
        const before = progress.written ? "after" : "before";
        const read = await owner.get("k", { timeoutMs: 100 }).then(text, () => undefined);
        if (read === undefined) refused += 1;
        else answers.push(`${read} ${before} the write`);
        // Lets the rest of this process run: an answer from memory takes no turn of the event loop.
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      expect(new Set(answers)).toEqual(new Set(["old before the write"]));
      expect(answers.length).toBeGreaterThan(10);
      await writing;
      expect(owner.size).toBe(0);
      expect(text(await near.get("k"))).toBe("new");
      proxy.heal();
      // With a session of its own that was lost, it begins anew.
      await expect.poll(async () => answerOf(owner.get("k")), { timeout: 15_000 }).toBe("ok");
      await expect
        .poll(async () => [text(await owner.get("k")), owner.size], { timeout: 15_000 })
        .toEqual(["new", 1]);
      await owner.put("k", "again");
      expect(text(await writer.get("k"))).toBe("again");
    },
  );

  it(
    "owns nothing at its first look, when it was stopped for longer than its TTL",
    { timeout: 15_000 },
    async () => {
      await using server = await startEtcd();
      await using etcd = new EtcdClient({ endpoints: server.endpoints });
      const owner = await etcd.leasing(PREFIX, { ttlSeconds: 2 });
      await owner.get("k");
      expect(owner.size).toBe(1);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);
      const asking = vi.spyOn(etcd, "get");
      const reading = owner.get("k");
      expect(owner.size).toBe(0);
      expect(asking).toHaveBeenCalledOnce();
      expect(await reading).toBeUndefined();
    },
  );
});

describe("a cache, when", () => {
  let embedded: EmbeddedEtcd;
  /** Reads and writes past the cache. */
  let etcd: EtcdClient;
  let client: EtcdClient;
  let cache: Leasing;
  beforeEach(async () => {
    embedded = await EmbeddedEtcd.start({ quiet: true });
    etcd = new EtcdClient({ endpoints: embedded.endpoints });
    client = new EtcdClient({ endpoints: embedded.endpoints });
    cache = await client.leasing(PREFIX);
    await etcd.put("k", "1");
  });
  afterEach(async () => {
    embedded.heal();
    await Promise.all([etcd.close(), client.close()]);
    await embedded.close();
  });
  const ownership = async (): Promise<KeyValue | undefined> => etcd.get(`${PREFIX}k`);
  const revoke = async (): Promise<unknown> => etcd.put(`${PREFIX}k`, "REVOKE", { ignoreLease: true });

  it("a request to give up is lost and its history compacted, finds it in a listing", async () => {
    await cache.get("k");
    embedded.stallStreams("Watch");
    await revoke();
    await etcd.put("another", "1");
    embedded.compact();
    expect((await ownership())?.text()).toBe("REVOKE");
    expect(cache.size).toBe(1);
    embedded.dropStreams("Watch");
    await expect.poll(ownership).toBeUndefined();
    expect(cache.size).toBe(0);
  });

  it("its ownership key is deleted by somebody, owns it no longer, watch or no watch", async () => {
    await cache.get("k");
    await etcd.delete(`${PREFIX}k`);
    await expect.poll(() => cache.size).toBe(0);
    await cache.get("k");
    expect(cache.size).toBe(1);
    embedded.stallStreams("Watch");
    await etcd.delete(`${PREFIX}k`);
    embedded.dropStreams("Watch");
    await expect.poll(() => cache.size).toBe(0);
    await cache.get("k");
    // A write finds it out before the watch does.
    const stalled = embedded.stallStreams("Watch");
    expect(stalled.streams).toBeGreaterThan(0);
    await etcd.delete(`${PREFIX}k`);
    await cache.put("k", "2");
    expect(cache.size).toBe(0);
  });

  it("a key that it gives up is another one's by now, leaves that one's ownership alone", async () => {
    const small = await client.leasing("small/", { maxKeys: 1 });
    await small.get("k");
    embedded.stallStreams("Watch");
    await etcd.delete("small/k");
    await etcd.put("small/k", "theirs");
    // Each takes the place of the one before.
    await small.get("j");
    await small.get("i");
    await expect.poll(async () => etcd.get("small/j")).toBeUndefined();
    expect(text(await etcd.get("small/k"))).toBe("theirs");
  });

  it("its answer to an acquisition comes after the key was given up, does not keep it", async () => {
    const held = embedded.hold("Txn");
    const reading = cache.get("k");
    await held.reached();
    await revoke();
    await expect.poll(ownership).toBeUndefined();
    await etcd.put("k", "2");
    held.release();
    expect(text(await reading)).toBe("1");
    expect(cache.size).toBe(0);
    expect(text(await cache.get("k"))).toBe("2");
  });

  it("a write of its own is on its way, does not answer from memory what others may see changed", async () => {
    await cache.get("k");
    const held = embedded.hold("Txn");
    const writing = cache.put("k", "2");
    await held.reached();
    expect(text(await etcd.get("k"))).toBe("2");
    expect(text(await cache.get("k"))).toBe("2");
    held.release();
    await writing;
    expect(cache.size).toBe(1);
    expect(text(await cache.get("k"))).toBe("2");
  });

  it("the answer to a write is lost, says so, writes once, and reads what is there", async () => {
    await cache.get("k");
    const since = (await ownership())?.createRevision;
    embedded.failCall("Txn", { after: true, details: "transport is closing" });
    expect(await answerOf(cache.put("k", "2"))).toBe("unknown");
    expect(text(await cache.get("k"))).toBe("2");
    expect((await etcd.get("k"))?.version).toBe(2n);
    await expect.poll(async () => (await ownership())?.createRevision).not.toBe(since);
  });

  it("a write is given up while it is held, does not believe that it was not made", async () => {
    await cache.get("k");
    const held = embedded.hold("Txn", { before: true });
    expect(await answerOf(cache.put("k", "2", { timeoutMs: 200 }))).toBe("unknown");
    expect(text(await cache.get("k"))).toBe("1");
    expect(cache.size).toBe(0);
    held.release();
    await expect.poll(ownership).toBeUndefined();
    expect(text(await cache.get("k"))).toBe(text(await etcd.get("k")));
  });

  it("the answers to an acquisition are lost, blocks nobody", async () => {
    const failing = embedded.failCall("Txn", { after: true, times: Infinity });
    const read = await cache.get("k", { timeoutMs: 300 }).catch((error: unknown) => error);
    expect(read).toMatchObject({ outcome: undefined });
    failing.remove();
    expect(await ownership()).toBeDefined();
    expect(cache.size).toBe(0);
    await revoke();
    await expect.poll(ownership).toBeUndefined();
  });

  it("the answers to an acquisition are lost, owns the key at the next try, or writes it", async () => {
    const failing = embedded.failCall("Txn", { after: true, times: Infinity });
    await answerOf(cache.get("k", { timeoutMs: 300 }));
    await answerOf(cache.get("j", { timeoutMs: 300 }));
    failing.remove();
    const since = (await ownership())?.createRevision;
    expect(text(await cache.get("k"))).toBe("1");
    expect(cache.size).toBe(1);
    expect((await ownership())?.createRevision).toBe(since);
    await cache.put("j", "2");
    expect(text(await etcd.get("j"))).toBe("2");
  });

  it("its session is lost, forgets all, and begins anew with another one", async () => {
    await cache.get("k");
    const lost = (await ownership())?.lease ?? 0n;
    embedded.expireLease(lost);
    await expect.poll(() => cache.size).toBe(0);
    await etcd.put("k", "2");
    await expect
      .poll(async () => [text(await cache.get("k")), cache.size], { timeout: 15_000 })
      .toEqual(["2", 1]);
    expect((await ownership())?.lease).not.toBe(lost);
  });

  it("the caller's session ends, ends with it and says why", async () => {
    const session = await client.openSession();
    const given = await client.leasing("given/", { session });
    await given.get("k");
    embedded.expireLease(session.leaseId);
    await expect.poll(async () => answerOf(given.get("k")), { timeout: 15_000 }).toBe("LEASE_NOT_FOUND");
    expect(given.size).toBe(0);
    expect(await given.put("k", "2").catch((error: unknown) => error)).toBe(session.signal.reason);
    expect(await answerOf(client.leasing("given/", { session }))).toBe("LEASE_NOT_FOUND");
    await given.close();
  });

  it("etcd has no space left, or the lease has just gone, still reads", async () => {
    const code = status.RESOURCE_EXHAUSTED;
    embedded.failCall("Txn", { details: "etcdserver: mvcc: database space exceeded", code });
    expect(text(await cache.get("k"))).toBe("1");
    embedded.failCall("Txn", { details: "etcdserver: requested lease not found", code: status.NOT_FOUND });
    expect(text(await cache.get("k"))).toBe("1");
    expect(cache.size).toBe(0);
    expect(text(await cache.get("k"))).toBe("1");
    expect(cache.size).toBe(1);
  });

  it("the store goes back to a backup, answers from it as soon as that is known", async () => {
    const { revision } = await etcd.put("k", "old");
    await cache.get("k");
    await cache.put("k", "new");
    expect(text(await cache.get("k"))).toBe("new");
    await embedded.rollBack({ to: revision });
    await expect.poll(async () => text(await cache.get("k")), { timeout: 15_000 }).toBe("old");
  });

  it("the store went back and further on again while nobody looked, owns nothing of before", async () => {
    await using proxy = await startFaultProxy(embedded);
    await using away = new EtcdClient({ endpoints: proxy.endpoints });
    const { revision } = await etcd.put("k", "old");
    const remote = await away.leasing(PREFIX);
    await remote.put("k", "new");
    await remote.get("k");
    expect(remote.size).toBe(1);
    const reached = embedded.revision;
    proxy.refuse();
    proxy.cut();
    await embedded.rollBack({ to: revision });
    while (embedded.revision <= reached + 2n) await etcd.put("another", "1");
    proxy.heal();
    await expect.poll(async () => text(await remote.get("k")), { timeout: 15_000 }).toBe("old");
  });

  it("closed while a key is being acquired with the caller's session, keeps nothing", async () => {
    const session = await client.openSession();
    const given = await client.leasing("given/", { session });
    const held = embedded.hold("Txn", { before: true });
    const reading = given.get("k");
    await held.reached();
    const closing = given.close();
    held.release();
    expect(text(await reading)).toBe("1");
    await closing;
    await expect.poll(async () => etcd.get("given/k")).toBeUndefined();
    expect(session.alive).toBe(true);
  });
});
