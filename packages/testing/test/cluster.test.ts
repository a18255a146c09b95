import { afterAll, beforeAll, expect, test } from "vitest";
import { startEtcdCluster, type EtcdCluster } from "../src/index.ts";
import { get, put } from "./support/kv.ts";
import { isAlive } from "./support/processes.ts";

let cluster: EtcdCluster;
beforeAll(async () => {
  cluster = await startEtcdCluster(3);
});
afterAll(() => cluster.close());

test("three members serve one key space", async () => {
  expect(cluster.members.map(({ name }) => name)).toEqual(["etcd0", "etcd1", "etcd2"]);
  expect(new Set(cluster.endpoints).size).toBe(3);
  await put(cluster.endpoints[0] ?? "", "shared", "by all");
  for (const endpoint of cluster.endpoints) expect(await get(endpoint, "shared")).toBe("by all");
});

test("another member leads after the leader was killed, and the killed one catches up", async () => {
  const first = await cluster.leader();
  await first.kill();
  const second = await cluster.leader();
  expect(second).not.toBe(first);
  await put(second.endpoint, "written", "without it");
  await first.restart();
  expect(await get(first.endpoint, "written")).toBe("without it");
});

test("a paused leader is replaced as well", async () => {
  const first = await cluster.leader();
  await first.pause();
  expect(await cluster.leader()).not.toBe(first);
  await first.resume();
});

test("without a majority there is no leader to be given", async () => {
  const [a, b] = cluster.members;
  await Promise.all([a?.kill(), b?.kill()]);
  const waiting = cluster.leader({ signal: AbortSignal.timeout(2_500) });
  await expect(waiting).rejects.toThrow("timeout");
  // Neither becomes healthy without the other.
  await Promise.all([a?.restart(), b?.restart()]);
  expect(cluster.members).toContain(await cluster.leader());
});

test("close ends all members", async () => {
  const pids = cluster.members.map(({ pid }) => pid ?? 0);
  expect(pids.every(isAlive)).toBe(true);
  await cluster.close();
  await cluster.close();
  expect(pids.some(isAlive)).toBe(false);
});
