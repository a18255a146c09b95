import type { EtcdClient } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Registration, type ResolverChange, ServiceRegistry } from "../src/index.ts";
import { clientOf, expectAllOnLivingLeases, untilIds, untilState } from "./support/clients.ts";

let etcd: EtcdServer;
let client: EtcdClient;
let registry: ServiceRegistry;

beforeAll(async () => {
  etcd = await startEtcd();
});
beforeEach(() => {
  client = clientOf(etcd);
  registry = new ServiceRegistry(client, { ttlSeconds: 2 });
});
afterEach(async () => {
  await registry.close();
  await client.delete({ prefix: "services/" });
  await client.close();
});
afterAll(async () => {
  await etcd.close();
});

/** What the registration says from now on. */
function listen(registration: Registration): string[] {
  const heard: string[] = [];
  registration.on("state", (state, reason) =>
    heard.push(reason === undefined ? state : `${state} ${reason.code}`),
  );
  return heard;
}

async function leaseOf(key: string): Promise<bigint> {
  return (await client.get(key))?.lease ?? 0n;
}

test("a lease an operator revokes is replaced, and the id stays", async () => {
  const first = await registry.register({ name: "orders", id: "orders-1", address: "10.0.0.7:1" });
  const second = await registry.register({ name: "stock", id: "stock-1", address: "10.0.0.7:2" });
  const heard = listen(first);
  const orders = registry.resolve("orders");
  await untilIds(orders, ["orders-1"]);
  const changes: ResolverChange[] = [];
  orders.on("change", (change) => changes.push(change));
  const revoked = await leaseOf(first.key);
  await client.leases.revoke(revoked);
  await expect.poll(() => heard, { timeout: 10_000 }).toContain("registered");
  expect(heard[0]).toMatch(/^lost (LEASE_NOT_FOUND|KEY_DELETED)$/);
  await untilIds(orders, ["orders-1"]);
  // A loss is told from leaving on purpose.
  await expect
    .poll(() => changes.flatMap(({ removed }) => removed))
    .toMatchObject([{ id: "orders-1", status: "up" }]);
  await expect.poll(() => leaseOf(second.key)).not.toBe(0n);
  expect(await leaseOf(first.key)).not.toBe(revoked);
  expect(await leaseOf(second.key)).toBe(await leaseOf(first.key));
  await expectAllOnLivingLeases(client);
});

test("a lease that is gone is not waited for until its next renewal", async () => {
  await using slow = new ServiceRegistry(client, { ttlSeconds: 60 });
  const registration = await slow.register({ name: "orders", id: "orders-1", address: "10.0.0.7:1" });
  const heard = listen(registration);
  await client.leases.revoke(await leaseOf(registration.key));
  // Renewals are 20 seconds apart.
  await expect.poll(() => heard.at(-1), { timeout: 8_000 }).toBe("registered");
  await expectAllOnLivingLeases(client);
});

test("a key an operator deletes comes back, every time", async () => {
  const registration = await registry.register({ name: "orders", id: "orders-1", address: "10.0.0.7:1" });
  const heard = listen(registration);
  const lease = await leaseOf(registration.key);
  for (let round = 1; round <= 3; round++) {
    heard.length = 0;
    await client.delete(registration.key);
    await expect.poll(() => heard, { timeout: 10_000 }).toEqual(["lost KEY_DELETED", "registered"]);
    expect(await leaseOf(registration.key)).toBe(lease);
  }
});

test("its own key that is overwritten is put right: value and lease", async () => {
  const registration = await registry.register({ name: "orders", id: "orders-1", address: "10.0.0.7:1" });
  const heard = listen(registration);
  const mine = await client.get(registration.key);
  // Taken off its lease, with a value changed by hand: it would stay for ever.
  await client.put(registration.key, JSON.stringify({ ...mine?.json<object>(), weight: 1 }));
  await expect.poll(() => heard, { timeout: 10_000 }).toEqual(["lost NOT_OWNER", "registered"]);
  const now = await client.get(registration.key);
  expect(now?.json()).toEqual(mine?.json());
  expect(now?.lease).toBe(mine?.lease);
  // Made unreadable, on its lease.
  await client.put(registration.key, "garbage", { lease: mine?.lease ?? 0n });
  await expect
    .poll(async () => (await client.get(registration.key))?.text(), { timeout: 10_000 })
    .toBe(mine?.text());
});

test("an id that somebody else has is not taken from him", async () => {
  const other = new ServiceRegistry(client, { ttlSeconds: 2 });
  const holder = await other.register({ name: "orders", id: "orders-1", address: "10.0.0.9:1" });
  const theirs = await client.get(holder.key);
  await expect(
    registry.register({ name: "orders", id: "orders-1", address: "10.0.0.7:1" }, { timeoutMs: 600 }),
  ).rejects.toMatchObject({ code: "ALREADY_EXISTS", message: expect.stringContaining(holder.key) });
  const now = await client.get(holder.key);
  expect(now?.modRevision).toBe(theirs?.modRevision);
  expect(now?.lease).toBe(theirs?.lease);

  // Who waits long enough takes the place of one who leaves.
  const waiting = registry.register(
    { name: "orders", id: "orders-1", address: "10.0.0.7:1" },
    { timeoutMs: 20_000 },
  );
  await holder.deregister();
  const registration = await waiting;
  expect((await client.get(registration.key))?.json()).toMatchObject({ address: "10.0.0.7:1" });
  await other.close();
  expect((await client.get(registration.key))?.json()).toMatchObject({ address: "10.0.0.7:1" });
});

test("an id cannot be registered twice in one registry", async () => {
  const registration = await registry.register({ name: "orders", id: "orders-1", address: "10.0.0.7:1" });
  await expect(
    registry.register({ name: "orders", id: "orders-1", address: "10.0.0.7:2" }),
  ).rejects.toMatchObject({
    code: "ALREADY_EXISTS",
    outcome: "notApplied",
  });
  await registration.deregister();
  const again = await registry.register({ name: "orders", id: "orders-1", address: "10.0.0.7:2" });
  expect(again.state).toBe("registered");
});

test("a key that somebody else took meanwhile is neither overwritten nor deleted", async () => {
  const registration = await registry.register({ name: "orders", id: "orders-1", address: "10.0.0.7:1" });
  const heard = listen(registration);
  const theirs = '{"address":"10.0.0.9:1","owner":"somebody else"}';
  await client.put(registration.key, theirs);
  await untilState(registration, "conflict");
  expect(heard).toEqual(["lost NOT_OWNER", "conflict ALREADY_EXISTS"]);
  await registration.deregister();
  expect((await client.get(registration.key))?.text()).toBe(theirs);
});

test("one whose key was taken comes back when that key goes", async () => {
  const registration = await registry.register({ name: "orders", id: "orders-1", address: "10.0.0.7:1" });
  await client.put(registration.key, '{"address":"10.0.0.9:1"}');
  await untilState(registration, "conflict");
  await client.delete(registration.key);
  await untilState(registration, "registered");
  expect((await client.get(registration.key))?.json()).toMatchObject({ address: "10.0.0.7:1" });
  await expectAllOnLivingLeases(client);
});

test("deletions, revocations and updates at random end with every key as wanted and on a living lease", async () => {
  const ids = ["a", "b", "c", "d"];
  const registrations = await Promise.all(
    ids.map((id) => registry.register({ name: "orders", id, address: "10.0.0.7:1" })),
  );
  const orders = registry.resolve("orders");
  for (let round = 1; round <= 12; round++) {
    const registration = registrations[round % registrations.length];
    if (registration === undefined) throw new Error("no registration");
    if (round % 3 === 0) {
      const lease = await leaseOf(registration.key);
      if (lease !== 0n) await client.leases.revoke(lease).catch(() => undefined);
    } else if (round % 3 === 1) {
      await client.delete(registration.key);
    } else {
      await registration.update({ weight: round }, { timeoutMs: 20_000 });
    }
  }
  for (const registration of registrations) await registration.update({ weight: 77 }, { timeoutMs: 20_000 });
  await expect
    .poll(() => orders.instances.map(({ id, weight }) => `${id}${weight}`).sort(), { timeout: 20_000 })
    .toEqual(ids.map((id) => `${id}77`));
  await expectAllOnLivingLeases(client);
  await expect.poll(async () => (await client.leases.list()).length, { timeout: 10_000 }).toBe(1);
});
