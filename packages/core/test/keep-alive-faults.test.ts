import { EtcdClient, type Session } from "@quorumkit/core";
import { startEtcd, startEtcdCluster, type EtcdServer } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { KeepAlive } from "../src/lease/keep-alive.ts";
import { ClusterConnection } from "../src/transport/cluster-connection.ts";
import { resolveOptions } from "../src/options.ts";
import { systemClock } from "../src/util/clock.ts";
import { startTcpProxy } from "./support/tcp-proxy.ts";
import { recorded } from "./support/renewing.ts";

let server: EtcdServer;
beforeAll(async () => {
  server = await startEtcd();
});
afterAll(async () => {
  await server.close();
});

async function aliveFor(ms: number, sessions: readonly Session[]): Promise<number> {
  const startedAt = performance.now();
  let least = Infinity;
  while (performance.now() - startedAt < ms) {
    for (const { remainingMs } of sessions) least = Math.min(least, remainingMs);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return least;
}

/** Long enough that a busy machine does not lose a lease by itself. */
const TTL = 8;

/** Until each session has been proven to live by a renewal sent after that time; one that is lost is told at once. */
async function renewedAfter(time: number, sessions: readonly Session[]): Promise<void> {
  const proof = time + TTL * 990 - 100;
  const waiting = new Set(sessions);
  while (waiting.size > 0) {
    expect(sessions.filter(({ alive }) => !alive).map(({ signal }) => String(signal.reason))).toEqual([]);
    for (const each of waiting) if (systemClock.now() + each.remainingMs >= proof) waiting.delete(each);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("a session", () => {
  it("with a TTL of 2 s outlives a link on which every answer takes 500 ms", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    await etcd.get("warm");
    proxy.delay("answers", 500);
    const session = await etcd.openSession({ ttlSeconds: 2 });
    expect(await aliveFor(10_000, [session])).toBeGreaterThan(0);
    expect(session.signal.aborted).toBe(false);
    proxy.delay("answers", 0);
  });

  it("lives on over another connection when the one its renewals take is half-open", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    const session = await etcd.openSession({ ttlSeconds: 3 });
    await expect.poll(() => proxy.connections, { timeout: 10_000 }).toBe(2);
    proxy.strand();
    expect(await aliveFor(6_000, [session])).toBeGreaterThan(0);
    expect(session.alive).toBe(true);
    proxy.release();
  });
});

describe("a lease that has expired and waits for its revocation", () => {
  it("holds up its stream, but not the healthy leases on it", async () => {
    const options = resolveOptions({ endpoints: server.endpoints });
    await using etcd = new EtcdClient({ endpoints: server.endpoints, timeoutMs: 30_000 });
    const connection = new ClusterConnection(options);
    const keepAlive = new KeepAlive(connection, systemClock);
    const opened = vi.spyOn(connection, "openStream");
    try {
      // etcd revokes a thousand leases in a second at most, so the last of these stay, dead, for seconds.
      const dying = await Promise.all(
        Array.from({ length: 5_000 }, async () => etcd.leases.grant({ ttlSeconds: 2 })),
      );
      const grantedAt = systemClock.now();
      const healthy = await etcd.leases.grant({ ttlSeconds: 6 });
      const [dead, renewals] = [recorded(), recorded()];
      // Believed to be alive for long, so that they are not sent again: their sessions would have ended by now.
      const last = dying.slice(-20);
      await expect
        .poll(() => systemClock.now() - grantedAt, { timeout: 5_000, interval: 10 })
        .toBeGreaterThan(2_050);
      for (const { id } of last) keepAlive.add({ id, ttlSeconds: 60 }, systemClock.now() - 30_000, dead);
      keepAlive.add({ ...healthy }, grantedAt, renewals);
      let provenUntil = 0;
      const startedAt = systemClock.now();
      await vi.waitFor(
        () => {
          const sentAt = renewals.renewed.at(-1)?.sentAt ?? grantedAt;
          provenUntil = sentAt + healthy.ttlSeconds * 1_000;
          expect(systemClock.now(), "the healthy lease was not renewed in time").toBeLessThan(provenUntil);
          expect(dead.gone).toBe(last.length);
        },
        { timeout: 30_000, interval: 20 },
      );
      expect(systemClock.now() - startedAt).toBeGreaterThan(1_000);
      expect(opened.mock.calls.length).toBeGreaterThan(1);
      expect(renewals.gone).toBe(0);
      keepAlive.remove(healthy.id);
      await etcd.leases.revoke(healthy);
    } finally {
      connection.close();
    }
  });
});

describe("two thousand leases", () => {
  it("survive the loss of a member, all of them", { timeout: 90_000 }, async () => {
    await using cluster = await startEtcdCluster(3);
    await cluster.leader();
    await using etcd = new EtcdClient({ endpoints: cluster.endpoints, timeoutMs: 30_000 });
    const sessions: Session[] = [];
    // Little by little: a cluster on a busy machine is to lose a member here, not to be overrun with grants.
    while (sessions.length < 2_000) {
      const some = Array.from({ length: 100 }, async () => etcd.openSession({ ttlSeconds: TTL }));
      sessions.push(...(await Promise.all(some)));
    }
    await renewedAfter(systemClock.now(), sessions);
    const leader = await cluster.leader();
    const follower = cluster.members.find((each) => each !== leader) as EtcdServer;
    await follower.kill();
    // None lives on what the member has answered before.
    await renewedAfter(systemClock.now() + TTL * 1_000, sessions);
    const kept = new Set(await etcd.leases.list());
    expect(sessions.filter(({ leaseId }) => !kept.has(leaseId))).toEqual([]);
  });
});
