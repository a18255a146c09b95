import { EtcdClient } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { spawnEtcdctl } from "./support/etcdctl-process.ts";
import { codeOf } from "./support/locking.ts";

/** For a busy machine. */
const PATIENT = { timeout: 15_000 };

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

/** `etcdctl lease grant`: the id, as etcdctl writes it and as we do. */
async function grantByEtcdctl(ttlSeconds: number): Promise<{ hex: string; id: bigint }> {
  const granted = await server.etcdctl(["lease", "grant", String(ttlSeconds)]);
  const hex = /^lease ([0-9a-f]+) granted with TTL\(\d+s\)$/m.exec(granted)?.[1] ?? "";
  return { hex, id: BigInt(`0x${hex}`) };
}

it("etcdctl lists, renews and revokes a lease of ours, the highest id there is included", async () => {
  const id = 2n ** 63n - 1n;
  const lease = await etcd.leases.grant({ ttlSeconds: 600, id });
  await etcd.put("lease-ours/a", "1", { lease });
  const hex = id.toString(16);
  expect((await server.etcdctl(["lease", "list"])).split("\n")).toContain(hex);
  const left = await server.etcdctl(["lease", "timetolive", hex, "--keys"]);
  expect(left).toMatch(/granted with TTL\(600s\), remaining\(\d+s\), attached keys\(\[lease-ours\/a\]\)/);
  expect(await server.etcdctl(["lease", "keep-alive", "--once", hex])).toContain("keepalived with TTL(600)");
  expect(await server.etcdctl(["lease", "revoke", hex])).toContain("revoked");
  expect(await etcd.leases.timeToLive(lease)).toBeUndefined();
  expect(await etcd.get("lease-ours/a")).toBeUndefined();
});

it("we list, renew and revoke a lease of etcdctl's", async () => {
  const { hex, id } = await grantByEtcdctl(600);
  await server.etcdctl(["put", "lease-theirs/a", "1", `--lease=${hex}`]);
  await etcd.put("lease-theirs/b", "2", { lease: id });
  expect(await etcd.leases.list()).toContain(id);
  const found = await etcd.leases.timeToLive(id, { keys: true });
  expect(found).toMatchObject({ id, grantedTtlSeconds: 600 });
  expect(found?.keys.map(String).toSorted()).toEqual(["lease-theirs/a", "lease-theirs/b"]);
  expect(await etcd.leases.keepAliveOnce(id)).toBe(600);
  await etcd.leases.revoke(id);
  expect(await server.etcdctl(["lease", "timetolive", hex])).toMatch(/already expired/);
  expect(await server.etcdctl(["get", "lease-theirs/", "--prefix"])).toBe("");
});

it("a lease that etcdctl keeps alive outlives its TTL, and ends for etcdctl when we revoke it", async () => {
  const { hex, id } = await grantByEtcdctl(2);
  const keeper = await spawnEtcdctl(server, ["lease", "keep-alive", hex]);
  // etcdctl renews once in a second, so that six answers take more than two TTLs.
  const since = performance.now();
  await expect.poll(() => keeper.lines.length, PATIENT).toBeGreaterThan(5);
  expect(performance.now() - since).toBeGreaterThan(4_000);
  expect(await etcd.leases.timeToLive(id)).toMatchObject({ id, grantedTtlSeconds: 2 });
  await etcd.leases.revoke(id);
  await expect.poll(() => keeper.lines.at(-1), PATIENT).toBe(`lease ${hex} expired or revoked.`);
});

it("a session of ours outlives its TTL for etcdctl, and is lost when etcdctl revokes it", async () => {
  await using session = await etcd.openSession({ ttlSeconds: 2 });
  const hex = session.leaseId.toString(16);
  const remaining = async (): Promise<number> => {
    const shown = await server.etcdctl(["lease", "timetolive", hex, "--write-out=json"]);
    return (JSON.parse(shown) as { ttl: number }).ttl;
  };
  const since = performance.now();
  await expect
    .poll(async () => ({ alive: (await remaining()) >= 0, old: performance.now() - since > 4_500 }), {
      ...PATIENT,
      interval: 500,
    })
    .toEqual({ alive: true, old: true });
  await server.etcdctl(["lease", "revoke", hex]);
  expect(await codeOf(session.signal)).toBe("LEASE_NOT_FOUND");
});
