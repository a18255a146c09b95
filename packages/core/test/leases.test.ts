import { EtcdClient } from "@quorumkit/core";
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

describe("leases", () => {
  it("are granted under a random id, or the one asked for", async () => {
    const random = await etcd.leases.grant({ ttlSeconds: 60 });
    expect(random.id).toBeGreaterThan(0n);
    expect(random.ttlSeconds).toBe(60);
    const chosen = await etcd.leases.grant({ ttlSeconds: 60, id: 42n });
    expect(chosen.id).toBe(42n);
    expect(await etcd.leases.list()).toEqual(expect.arrayContaining([random.id, 42n]));
    await expect(etcd.leases.grant({ ttlSeconds: 60, id: 42n })).rejects.toMatchObject({
      code: "LEASE_EXISTS",
      outcome: "notApplied",
    });
    await etcd.leases.revoke(random);
    await etcd.leases.revoke(42n);
  });

  it("tell the TTL etcd granted, which has a minimum", async () => {
    const lease = await etcd.leases.grant({ ttlSeconds: 1 });
    expect(lease.ttlSeconds).toBeGreaterThan(1);
    await etcd.leases.revoke(lease);
  });

  it("take their keys with them", async () => {
    const lease = await etcd.leases.grant({ ttlSeconds: 60 });
    await etcd.put("leased/a", "1", { lease });
    await etcd.put("leased/b", "1", { lease: lease.id });
    const looked = await etcd.leases.timeToLive(lease, { keys: true });
    expect(looked?.keys.map(String).toSorted()).toEqual(["leased/a", "leased/b"]);
    expect(looked).toMatchObject({ id: lease.id, grantedTtlSeconds: 60 });
    expect(looked?.ttlSeconds).toBeGreaterThan(50);
    expect((await etcd.leases.timeToLive(lease))?.keys).toEqual([]);
    await etcd.leases.revoke(lease);
    expect((await etcd.range({ prefix: "leased/" })).count).toBe(0n);
    expect(await etcd.leases.timeToLive(lease)).toBeUndefined();
    await expect(etcd.leases.revoke(lease)).rejects.toMatchObject({ code: "LEASE_NOT_FOUND" });
  });

  it("can be renewed once", async () => {
    const lease = await etcd.leases.grant({ ttlSeconds: 60 });
    expect(await etcd.leases.keepAliveOnce(lease)).toBe(60);
    await etcd.leases.revoke(lease);
    await expect(etcd.leases.keepAliveOnce(lease)).rejects.toMatchObject({ code: "LEASE_NOT_FOUND" });
  });

  it("are granted once, though the answer is lost and the grant sent again", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using client = new EtcdClient({ endpoints: proxy.endpoint });
    const before = await etcd.leases.list();
    const lost = proxy.loseNextAnswer();
    const lease = await client.leases.grant({ ttlSeconds: 60 });
    await lost;
    expect(lease.ttlSeconds).toBe(60);
    const now = await etcd.leases.list();
    expect(now.filter((id) => !before.includes(id))).toEqual([lease.id]);
    await etcd.leases.revoke(lease);
  });

  it("of an id of one's own exist already where the first answer is lost, and that is unknown", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using client = new EtcdClient({ endpoints: proxy.endpoint });
    await client.get("key");
    const lost = proxy.loseNextAnswer();
    await expect(client.leases.grant({ ttlSeconds: 60, id: 4_243n })).rejects.toMatchObject({
      code: "LEASE_EXISTS",
      outcome: "unknown",
    });
    await lost;
    await etcd.leases.revoke(4_243n);
  });

  it("are renewed once on another stream when one breaks", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using client = new EtcdClient({ endpoints: proxy.endpoint });
    const lease = await client.leases.grant({ ttlSeconds: 60 });
    const lost = proxy.loseNextAnswer();
    expect(await client.leases.keepAliveOnce(lease)).toBe(60);
    await lost;
    proxy.hold();
    await expect(client.leases.keepAliveOnce(lease, { timeoutMs: 200 })).rejects.toMatchObject({
      code: "TIMEOUT",
    });
    await expect(
      client.leases.keepAliveOnce(lease, { signal: AbortSignal.timeout(100) }),
    ).rejects.toMatchObject({ code: "ABORTED" });
    proxy.release();
    await etcd.leases.revoke(lease);
  });
});
