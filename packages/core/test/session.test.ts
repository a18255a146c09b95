import { once } from "node:events";
import { EtcdClient, type Session } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ClusterConnection } from "../src/transport/cluster-connection.ts";
import { RpcStream } from "../src/transport/rpc-stream.ts";
import { startTcpProxy } from "./support/tcp-proxy.ts";

let server: EtcdServer;
let observer: EtcdClient;
beforeAll(async () => {
  server = await startEtcd();
  observer = new EtcdClient({ endpoints: server.endpoints });
});
afterAll(async () => {
  await observer.close();
  await server.close();
});

/** etcd's least TTL, and what it makes of smaller ones. */
const TTL = 2;

/** The instant the key goes, as another client sees it, on `performance.now()`'s scale. */
async function deletionOf(client: EtcdClient, key: string, startRevision: bigint): Promise<number> {
  for await (const { events } of client.watch(key, { startRevision })) {
    if (events.some(({ type }) => type === "delete")) return performance.now();
  }
  throw new Error("the watch ended");
}

async function lossOf(session: Session): Promise<{ at: number; code: string }> {
  if (!session.signal.aborted) await once(session.signal, "abort");
  return { at: performance.now(), code: (session.signal.reason as { code: string }).code };
}

function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe("a session", () => {
  it("keeps its lease over several TTLs, and its key with it", async () => {
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const session = await etcd.openSession({ ttlSeconds: TTL });
    expect(session.ttlSeconds).toBe(TTL);
    expect(session.leaseId).toBe(session.lease.id);
    await etcd.put("held", "1", { lease: session.lease });
    const startedAt = performance.now();
    let least = Infinity;
    while (performance.now() - startedAt < 3 * TTL * 1000) {
      expect(session.alive).toBe(true);
      least = Math.min(least, session.remainingMs);
      expect(session.remainingMs).toBeLessThanOrEqual(TTL * 1000 - 100);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    // Renewed after a third, so at least about half was always left.
    expect(least).toBeGreaterThan(600);
    expect(await observer.get("held")).toBeDefined();
    await session.close();
    expect(session.alive).toBe(false);
    expect(session.remainingMs).toBe(0);
    expect(session.signal.reason).toMatchObject({ code: "CLOSED" });
    expect(await observer.get("held")).toBeUndefined();
    expect(await observer.leases.timeToLive(session.lease)).toBeUndefined();
    await session.close();
  });

  it("has nothing to renew too soon, however long its TTL is", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on("warning", onWarning);
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    const session = await etcd.openSession({ ttlSeconds: 9_000_000_000 });
    expect(session.remainingMs).toBeGreaterThan(8_000_000_000_000);
    await etcd.get("a");
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
  });

  it("shares a few streams with two hundred others", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint, timeoutMs: 20_000 });
    const sessions = await Promise.all(
      Array.from({ length: 200 }, async () => etcd.openSession({ ttlSeconds: 3 })),
    );
    const grants = 200;
    await vi.waitFor(() => expect(sessions.every(({ remainingMs }) => remainingMs > 1_000)).toBe(true));
    const startedAt = performance.now();
    await vi.waitFor(() => expect(performance.now() - startedAt).toBeGreaterThan(4_000), 6_000);
    expect(sessions.every(({ alive }) => alive)).toBe(true);
    // Two hundred renewals in a second, of which a stream gets fifty.
    expect(proxy.calls).toBeLessThanOrEqual(grants + 5);
  });

  it("whose lease an operator revokes ends at the next renewal", async () => {
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const session = await etcd.openSession({ ttlSeconds: 3 });
    const startedAt = performance.now();
    await server.etcdctl(["lease", "revoke", session.leaseId.toString(16)]);
    const { at, code } = await lossOf(session);
    expect(code).toBe("LEASE_NOT_FOUND");
    expect(at - startedAt).toBeLessThan(1_600);
    expect(session.alive).toBe(false);
    await session.close();
  });
});

describe("a session that cannot renew", () => {
  it.each(["half-open", "answers lost", "refused"] as const)(
    "tells so before its key goes: %s",
    async (how) => {
      await using proxy = await startTcpProxy(server.endpoint);
      await using etcd = new EtcdClient({ endpoints: proxy.endpoint, timeoutMs: 1_000 });
      const session = await etcd.openSession({ ttlSeconds: TTL });
      const { revision } = await etcd.put("doomed", "1", { lease: session.lease });
      const deletion = deletionOf(observer, "doomed", revision);
      const loss = lossOf(session);
      if (how === "half-open") proxy.hold();
      else if (how === "answers lost") proxy.hold("answers");
      else proxy.refuse();
      const { at, code } = await loss;
      expect(code).toBe("LEASE_EXPIRED");
      expect(session.signal.reason).toMatchObject({ cause: { code: "UNAVAILABLE" } });
      expect(session.alive).toBe(false);
      // It is still there: the loss is told before it is true.
      expect(await observer.get("doomed")).toBeDefined();
      expect((await deletion) - at).toBeGreaterThan(0);
    },
  );

  it("is lost before the deadline when etcd itself stops, and stays lost when it comes back", async () => {
    await using own = await startEtcd();
    await using etcd = new EtcdClient({ endpoints: own.endpoints });
    const session = await etcd.openSession({ ttlSeconds: TTL });
    const stoppedAt = performance.now();
    await own.kill();
    const { at, code } = await lossOf(session);
    expect(code).toBe("LEASE_EXPIRED");
    expect(at - stoppedAt).toBeLessThan(TTL * 1000);
    await own.restart();
    await etcd.get("a");
    expect(session.alive).toBe(false);
    expect(session.signal.reason).toMatchObject({ code: "LEASE_EXPIRED" });
  });

  it("survives an etcd that is back within the TTL", async () => {
    await using own = await startEtcd();
    await using etcd = new EtcdClient({ endpoints: own.endpoints });
    const session = await etcd.openSession({ ttlSeconds: 10 });
    await etcd.put("kept", "1", { lease: session.lease });
    await own.kill();
    await own.restart();
    const before = session.remainingMs;
    await expect.poll(() => session.remainingMs, { timeout: 9_000 }).toBeGreaterThan(before);
    await expect.poll(() => session.remainingMs, { timeout: 9_000 }).toBeGreaterThan(9_000);
    expect(session.signal.aborted).toBe(false);
    expect(await etcd.get("kept")).toBeDefined();
  });
});

describe("late answers", () => {
  it("never make a session alive whose key is gone", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    const session = await etcd.openSession({ ttlSeconds: TTL });
    const { revision } = await etcd.put("late", "1", { lease: session.lease });
    proxy.delay("answers", 0.9 * TTL * 1000);
    const gone = new AbortController();
    const deletion = deletionOf(observer, "late", revision).then(() => gone.abort());
    let violations = 0;
    while (!gone.signal.aborted) {
      const alive = session.alive;
      // The key was there after `alive` was read, or `alive` was false.
      if (alive && (await observer.get("late")) === undefined) violations += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await deletion;
    expect(violations).toBe(0);
    expect(session.alive).toBe(false);
    expect(session.signal.reason).toMatchObject({ code: "LEASE_EXPIRED" });
    proxy.delay("answers", 0);
  });

  it("count from when the renewal was sent, not from when the answer came", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    const session = await etcd.openSession({ ttlSeconds: 3 });
    proxy.delay("answers", 300);
    const afterRenewal: number[] = [];
    let last = session.remainingMs;
    while (afterRenewal.length < 2) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      const { remainingMs } = session;
      if (remainingMs > last) afterRenewal.push(remainingMs);
      last = remainingMs;
    }
    expect(Math.max(...afterRenewal)).toBeLessThanOrEqual(3_000 * 0.99 - 100 - 300);
    expect(session.signal.aborted).toBe(false);
    proxy.delay("answers", 0);
  });

  it("a grant that took most of the TTL leaves only the rest", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    await etcd.get("warm");
    proxy.delay("answers", 1_000);
    const session = await etcd.openSession({ ttlSeconds: TTL });
    expect(session.remainingMs).toBeLessThan(900);
    proxy.delay("answers", 0);
    await expect.poll(() => session.remainingMs).toBeGreaterThan(1_500);
    expect(session.signal.aborted).toBe(false);
  });
});

describe("a blocked event loop", () => {
  it("beyond the TTL: not alive at the next look, nor ever again", async () => {
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const session = await etcd.openSession({ ttlSeconds: TTL });
    expect(session.alive).toBe(true);
    block(TTL * 1000 + 100);
    expect(session.alive).toBe(false);
    expect(session.remainingMs).toBe(0);
    // Nobody was told yet: that is why `alive` is asked.
    expect(session.signal.aborted).toBe(false);
    const { code } = await lossOf(session);
    expect(["LEASE_EXPIRED", "LEASE_NOT_FOUND"]).toContain(code);
    expect(session.alive).toBe(false);
  });

  it("for less than the TTL leaves the session, and its stream, as they are", async () => {
    const opened = vi.spyOn(ClusterConnection.prototype, "openStream");
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const session = await etcd.openSession({ ttlSeconds: 3 });
    // The loop blocks right after a renewal left, so that its answer waits unread for longer than a member is given.
    // oxlint-disable-next-line typescript/unbound-method -- called with the stream as this
    const { send } = RpcStream.prototype;
    const blocked = new Promise<void>((resolve) => {
      vi.spyOn(RpcStream.prototype, "send").mockImplementationOnce(function (
        this: RpcStream<unknown, unknown>,
        message: unknown,
      ) {
        send.call(this, message);
        setImmediate(() => {
          block(1_500);
          resolve();
        });
      });
    });
    await blocked;
    expect(session.alive).toBe(true);
    await expect.poll(() => session.remainingMs).toBeGreaterThan(2_500);
    expect(opened).toHaveBeenCalledTimes(1);
  });
});
