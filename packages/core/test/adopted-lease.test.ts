import { once } from "node:events";
import { EtcdClient, type Session } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTcpProxy } from "./support/tcp-proxy.ts";

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

/** etcd's least. */
const TTL = 2;

async function leftOf(id: bigint): Promise<number | undefined> {
  return (await etcd.leases.timeToLive(id))?.ttlSeconds;
}

/** Waits until a lease has so little left that only a renewal can have given it more. */
async function untilLow(id: bigint): Promise<void> {
  await expect.poll(async () => leftOf(id), { timeout: 10_000, interval: 20 }).toBeLessThan(TTL - 1);
}

describe("a session on a lease that is there already", () => {
  it("keeps one of an id of its own alive, and leaves it when it is closed", async () => {
    await etcd.leases.grant({ ttlSeconds: TTL, id: 77n });
    await etcd.put("adopted", "1", { lease: 77n });
    await using other = new EtcdClient({ endpoints: server.endpoints });
    const session = await other.openSession({ lease: 77n });
    expect(session.lease).toEqual({ id: 77n, ttlSeconds: TTL });
    const from = performance.now();
    while (performance.now() - from < 2 * TTL * 1000) {
      expect(session.alive).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(await etcd.get("adopted")).toMatchObject({ lease: 77n });
    await session.close();
    expect(session.signal.reason).toMatchObject({ code: "CLOSED" });
    expect(session.alive).toBe(false);
    expect(await leftOf(77n)).toBeDefined();
    // And it is not renewed any more.
    await expect.poll(async () => etcd.get("adopted"), { timeout: 10_000 }).toBeUndefined();
  });

  it("is not ended by closing the client, and another session can take over", async () => {
    const { lease } = await etcd.putWithTtl("handed/over", "1", { ttlSeconds: TTL });
    const first = new EtcdClient({ endpoints: server.endpoints });
    await first.openSession({ lease });
    await first.close();
    await using second = new EtcdClient({ endpoints: server.endpoints });
    const session = await second.openSession({ lease });
    expect(session.alive).toBe(true);
    expect(await etcd.get("handed/over")).toBeDefined();
    await second.leases.revoke(session);
    await once(session.signal, "abort");
    expect(session.signal.reason).toMatchObject({ code: "LEASE_NOT_FOUND" });
  });

  it("has the whole TTL of its first renewal, counted from when that was sent", async () => {
    const lease = await etcd.leases.grant({ ttlSeconds: 30 });
    await using proxy = await startTcpProxy(server.endpoint);
    await using slow = new EtcdClient({ endpoints: proxy.endpoint });
    await slow.get("warm");
    proxy.delay("answers", 400);
    const session = await slow.openSession({ lease });
    // 30 s less 1 %, 100 ms, and the way of the answer.
    expect(session.remainingMs).toBeLessThanOrEqual(30_000 * 0.99 - 100 - 400);
    expect(session.remainingMs).toBeGreaterThan(27_000);
    await etcd.leases.revoke(lease);
  });

  it("renews what is nearly over before it is given", async () => {
    const lease = await etcd.leases.grant({ ttlSeconds: TTL });
    await untilLow(lease.id);
    await using session = await etcd.openSession({ lease });
    expect(session.remainingMs).toBeGreaterThan(TTL * 1000 - 1_000);
    await etcd.leases.revoke(lease);
  });

  it("is LEASE_NOT_FOUND where the lease is gone, and leaves nothing running", async () => {
    await using client = new EtcdClient({ endpoints: server.endpoints });
    const before = await etcd.leases.list();
    await expect(client.openSession({ lease: 4_711n })).rejects.toMatchObject({ code: "LEASE_NOT_FOUND" });
    expect(await etcd.leases.list()).toEqual(before);
  });

  it("is refused with a TTL, for a wrong lease, and for one that this client keeps alive already", async () => {
    const lease = await etcd.leases.grant({ ttlSeconds: 30 });
    await expect(etcd.openSession({ lease, ttlSeconds: 10 })).rejects.toThrow(
      /ttlSeconds must be absent with lease/,
    );
    await expect(etcd.openSession({ lease: 0n })).rejects.toThrow(
      /lease must be a lease or its id, received 0n/,
    );
    const refusal = /lease must be one that no other session of the client keeps alive/;
    const both = await Promise.allSettled([etcd.openSession({ lease }), etcd.openSession({ lease })]);
    const opened = both.flatMap((each): Session[] => (each.status === "fulfilled" ? [each.value] : []));
    expect(opened).toHaveLength(1);
    expect(both.find((each) => each.status === "rejected")?.reason).toMatchObject({
      message: expect.stringMatching(refusal) as string,
    });
    await expect(etcd.namespace("a/").openSession({ lease: opened[0] as Session })).rejects.toThrow(refusal);
    expect(opened[0]?.alive).toBe(true);
    await opened[0]?.close();
    await using again = await etcd.openSession({ lease });
    expect(again.alive).toBe(true);
    await etcd.leases.revoke(lease);
  });

  it("has locks that can be released after it has ended, as the lease goes on", async () => {
    const lease = await etcd.leases.grant({ ttlSeconds: 60 });
    const session = await etcd.openSession({ lease });
    const held = await etcd.lock("on-a-lease", { session }).acquire();
    await session.close();
    await using next = new EtcdClient({ endpoints: server.endpoints });
    expect(await next.lock("on-a-lease").tryAcquire()).toBeUndefined();
    await held.release();
    await expect(next.lock("on-a-lease").acquire({ timeoutMs: 10_000 })).resolves.toBeDefined();
    await etcd.leases.revoke(lease);
  });

  it("is not for a leasing cache, whose ownerships would stay without their owner", async () => {
    const lease = await etcd.leases.grant({ ttlSeconds: 60 });
    await using session = await etcd.openSession({ lease });
    await expect(etcd.leasing("own/", { session })).rejects.toThrow(
      /session must be one whose lease ends with it/,
    );
    await etcd.leases.revoke(lease);
  });
});
