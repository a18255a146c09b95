import { cp, rm } from "node:fs/promises";
import type { EtcdClient } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ServiceRegistry } from "../src/index.ts";
import {
  clientOf,
  expectAllOnLivingLeases,
  expectNothingLeft,
  keysOf,
  untilIds,
  untilState,
} from "./support/clients.ts";

/** Of a wait that was too short: the last failure's code, if there was one by then. */
const IN_VAIN: unknown = expect.stringMatching(/^(TIMEOUT|UNAVAILABLE)$/);

let etcd: EtcdServer;
let client: EtcdClient;
let registry: ServiceRegistry;

beforeEach(async () => {
  etcd = await startEtcd();
  client = clientOf(etcd);
  registry = new ServiceRegistry(client, { ttlSeconds: 2 });
});
afterEach(async () => {
  await registry.close();
  await client.close();
  await etcd.close();
});

test("after an outage longer than the TTL the registration is back, and resolvers served what they knew meanwhile", async () => {
  const registration = await registry.register({ name: "orders", id: "orders-1", address: "10.0.0.7:1" });
  const states: string[] = [];
  registration.on("state", (state, reason) =>
    states.push(reason === undefined ? state : `${state} ${reason.code}`),
  );
  const orders = registry.resolve("orders");
  const seen: string[] = [];
  orders.on("state", (state) => seen.push(state));
  await untilIds(orders, ["orders-1"]);
  await expect.poll(() => orders.state).toBe("live");
  const lease = (await keysOf(client)).get(registration.key)?.lease;

  const before = Date.now();
  await etcd.kill();
  await expect.poll(() => orders.state).toBe("stale");
  expect(orders.staleSince?.getTime()).toBeGreaterThanOrEqual(before);
  expect(orders.lastError?.code).toBeDefined();
  await untilState(registration, "lost");
  expect(states[0]).toBe("lost LEASE_EXPIRED");
  expect(orders.pick().address).toBe("10.0.0.7:1");
  expect(orders.instances).toHaveLength(1);

  await etcd.restart();
  await untilState(registration, "registered");
  expect(registration.lastError).toBeUndefined();
  await expect.poll(() => orders.state, { timeout: 20_000 }).toBe("live");
  expect(orders.staleSince).toBeUndefined();
  expect(seen).toContain("stale");
  await untilIds(orders, ["orders-1"]);
  expect(orders.pick().address).toBe("10.0.0.7:1");
  expect((await keysOf(client)).get(registration.key)?.lease).not.toBe(lease);
  await expectAllOnLivingLeases(client);

  // It stands on its own feet: still there when the old lease is over, and only its own is left.
  await expect
    .poll(
      async () => [await client.leases.list(), [...(await keysOf(client)).values()].map((kv) => kv.lease)],
      {
        timeout: 15_000,
      },
    )
    .toSatisfy(([leases, used]) => leases.length === 1 && used.length === 1 && leases[0] === used[0]);
  await untilIds(orders, ["orders-1"]);
  await registration.update({ weight: 9 });
  await expect.poll(() => orders.instances[0]?.weight).toBe(9);
});

test("a short outage changes nothing", async () => {
  const patient = new ServiceRegistry(client, { ttlSeconds: 30 });
  const registration = await patient.register({ name: "orders", address: "10.0.0.7:1" });
  const before = (await keysOf(client)).get(registration.key);
  const states: string[] = [];
  registration.on("state", (state) => states.push(state));
  await etcd.kill();
  await etcd.restart();
  const after = (await keysOf(client)).get(registration.key);
  expect(after?.modRevision).toBe(before?.modRevision);
  await registration.update({ weight: 3 });
  expect(states).toEqual([]);
  await patient.close();
  expect((await keysOf(client)).size).toBe(0);
});

test("an update during an outage says that it is not done yet, and is done afterwards", async () => {
  const registration = await registry.register({ name: "orders", id: "orders-1", address: "10.0.0.7:1" });
  await etcd.kill();
  // Long enough for the watch to have told why.
  await expect
    .poll(() => registration.update({ weight: 5 }, { timeoutMs: 300 }).catch((e: unknown) => e))
    .toMatchObject({
      code: "UNAVAILABLE",
    });
  expect(registration.instance.weight).toBe(5);
  await etcd.restart();
  await expect
    .poll(async () => (await keysOf(client)).get(registration.key)?.json(), { timeout: 20_000 })
    .toMatchObject({ weight: 5 });
  await expectAllOnLivingLeases(client);
});

test("a registration that cannot be made rejects and leaves nothing behind", async () => {
  await etcd.kill();
  const registering = registry.register({ name: "orders", address: "10.0.0.7:1" }, { timeoutMs: 500 });
  await expect(registering).rejects.toMatchObject({
    code: IN_VAIN,
    message: expect.stringContaining('register "orders"'),
  });
  const controller = new AbortController();
  const aborted = registry.register({ name: "orders", address: "10.0.0.7:1" }, { signal: controller.signal });
  controller.abort(new Error("enough"));
  await expect(aborted).rejects.toMatchObject({ code: "ABORTED", cause: { message: "enough" } });

  await etcd.restart();
  // Registered later, so it shows that the loop of the first is not at work any more.
  const later = await registry.register({ name: "orders", id: "later", address: "10.0.0.7:2" });
  expect([...(await keysOf(client)).keys()]).toEqual([later.key]);
  await registry.close();
  await expectNothingLeft(client);
});

test("an etcd that stops answering is survived", async () => {
  const registration = await registry.register({ name: "orders", id: "orders-1", address: "10.0.0.7:1" });
  const orders = registry.resolve("orders");
  await untilIds(orders, ["orders-1"]);
  await etcd.pause();
  await untilState(registration, "lost");
  expect(orders.pick().address).toBe("10.0.0.7:1");
  await etcd.resume();
  await untilState(registration, "registered", 25_000);
  await untilIds(orders, ["orders-1"]);
  await expectAllOnLivingLeases(client);
});

test("deregistering during an outage goes on afterwards", async () => {
  const staying = await registry.register({ name: "orders", id: "a", address: "10.0.0.7:1" });
  const leaving = await registry.register({ name: "orders", id: "b", address: "10.0.0.7:2" });
  await etcd.kill();
  await expect(leaving.deregister({ timeoutMs: 300 })).rejects.toMatchObject({ code: IN_VAIN });
  expect(leaving.state).toBe("leaving");
  await etcd.restart();
  await untilState(leaving, "closed");
  await untilState(staying, "registered");
  expect([...(await keysOf(client)).keys()]).toEqual([staying.key]);
});

test("an id registered again while it is still being deregistered begins anew", async () => {
  await registry.register({ name: "orders", id: "a", address: "10.0.0.7:1" });
  const leaving = await registry.register({ name: "orders", id: "b", address: "10.0.0.7:2" });
  await etcd.kill();
  await expect(leaving.deregister({ timeoutMs: 300 })).rejects.toMatchObject({ code: IN_VAIN });
  const registering = registry.register(
    { name: "orders", id: "b", address: "10.0.0.7:3" },
    { timeoutMs: 20_000 },
  );
  await etcd.restart();
  const registration = await registering;
  expect(leaving.state).toBe("closed");
  const kv = (await keysOf(client)).get(registration.key);
  expect(kv?.json()).toMatchObject({ address: "10.0.0.7:3" });
  // Created, not taken over from the one that leaves.
  expect(kv?.version).toBe(1n);
});

test("closing during an outage ends, within its time", async () => {
  const impatient = new ServiceRegistry(client, { ttlSeconds: 2, timeoutMs: 300 });
  const registration = await impatient.register({ name: "orders", address: "10.0.0.7:1" });
  await etcd.kill();
  await impatient.close();
  expect(registration.state).toBe("closed");
  await etcd.restart();
  await expect.poll(async () => (await keysOf(client)).size, { timeout: 10_000 }).toBe(0);
});

test("etcd restored from a backup that knows the lease but not the key: the key is written again", async () => {
  const patient = new ServiceRegistry(client, { ttlSeconds: 60 });
  const early = await patient.register({ name: "orders", id: "early", address: "10.0.0.7:1" });
  const copy = `${etcd.dataDir}.backup`;
  await etcd.stop();
  await cp(etcd.dataDir, copy, { recursive: true });
  await etcd.restart();

  const late = await patient.register({ name: "orders", id: "late", address: "10.0.0.7:2" });
  const states: string[] = [];
  late.on("state", (state, reason) => states.push(reason === undefined ? state : `${state} ${reason.code}`));
  for (let n = 0; n < 20; n++) await client.put("elsewhere", "");
  const before = (await client.get("elsewhere"))?.modRevision ?? 0n;
  // The watch on the key is where it was written, as it is in daily life.
  const orders = patient.resolve("orders");
  await untilIds(orders, ["early", "late"]);

  await etcd.kill();
  await rm(etcd.dataDir, { recursive: true });
  await cp(copy, etcd.dataDir, { recursive: true });
  await rm(copy, { recursive: true });
  await etcd.restart();
  await expect
    .poll(async () => [...(await keysOf(client)).keys()].sort(), { timeout: 20_000 })
    .toEqual([early.key, late.key]);
  await untilState(late, "registered");
  expect((await keysOf(client)).get(late.key)?.modRevision).toBeLessThan(before);
  expect(states).toEqual(["lost CLUSTER_CHANGED", "registered"]);
  await expectAllOnLivingLeases(client);
  await patient.close();
});
