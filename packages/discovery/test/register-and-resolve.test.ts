import type { EtcdClient } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type ResolverChange, ServiceRegistry } from "../src/index.ts";
import { clientOf, expectNothingLeft, keysOf, untilIds } from "./support/clients.ts";

let etcd: EtcdServer;
let client: EtcdClient;
let registry: ServiceRegistry;

beforeAll(async () => {
  etcd = await startEtcd();
});
beforeEach(() => {
  client = clientOf(etcd);
  registry = new ServiceRegistry(client);
});
afterEach(async () => {
  await registry.close();
  await expectNothingLeft(client);
  await client.close();
});
afterAll(async () => {
  await etcd.close();
});

test("a registered instance is found and picked", async () => {
  const registration = await registry.register({
    name: "orders",
    address: "10.0.0.7:8080",
    version: "1.4.2",
    zone: "a",
    weight: 50,
    metadata: { team: "shop" },
  });
  expect(registration.id).toMatch(/^[0-9a-z]{16}$/);
  expect(registration.state).toBe("registered");
  expect(registration.key).toBe(`services/orders/${registration.id}`);

  const orders = registry.resolve("orders");
  expect(orders.state).toBe("loading");
  await orders.ready();
  expect(orders.instances).toEqual([registration.instance]);
  await expect.poll(() => orders.state).toBe("live");
  expect(orders.staleSince).toBeUndefined();
  const pick = orders.pick();
  expect(pick.address).toBe("10.0.0.7:8080");
  expect(pick.instance).toEqual({
    id: registration.id,
    name: "orders",
    address: "10.0.0.7:8080",
    version: "1.4.2",
    zone: "a",
    weight: 50,
    metadata: { team: "shop" },
    status: "up",
  });
  pick.done();
  pick.done(new Error("only the first time counts"));
});

test("the value in etcd is the documented JSON, on the registry's one lease", async () => {
  const first = await registry.register({ name: "orders", id: "orders-1", address: "10.0.0.7:8080" });
  const second = await registry.register({ name: "stock", id: "stock-1", address: "10.0.0.7:8081" });
  const keys = await keysOf(client);
  const [a, b] = [keys.get(first.key), keys.get(second.key)];
  expect(a?.json()).toEqual({
    id: "orders-1",
    name: "orders",
    address: "10.0.0.7:8080",
    weight: 100,
    metadata: {},
    status: "up",
    owner: expect.any(String),
  });
  expect(a?.lease).not.toBe(0n);
  expect(b?.lease).toBe(a?.lease);
  expect(await client.leases.list()).toEqual([a?.lease]);
});

test("the lease goes with the last registration, and a later one gets another", async () => {
  const first = await registry.register({ name: "orders", id: "a", address: "10.0.0.7:1" });
  const second = await registry.register({ name: "orders", id: "b", address: "10.0.0.7:2" });
  const leases = await client.leases.list();
  await first.deregister();
  expect(await client.leases.list()).toEqual(leases);
  await second.deregister();
  await expect.poll(() => client.leases.list()).toEqual([]);
  const third = await registry.register({ name: "orders", id: "a", address: "10.0.0.7:1" });
  expect(await client.leases.list()).toEqual([(await client.get(third.key))?.lease]);
});

test("picks go round, and follow who comes, changes and goes", async () => {
  const orders = registry.resolve("orders");
  const changes: ResolverChange[] = [];
  orders.on("change", (change) => changes.push(change));
  await orders.ready();
  expect(orders.instances).toEqual([]);
  expect(() => orders.pick()).toThrow(
    expect.objectContaining({
      code: "UNAVAILABLE",
      message: expect.stringMatching(/"orders" has no instance/),
    }),
  );

  const registrations = await Promise.all(
    ["a", "b", "c"].map((id) =>
      registry.register({ name: "orders", id, address: `10.0.0.7:${id.charCodeAt(0)}` }),
    ),
  );
  await untilIds(orders, ["a", "b", "c"]);
  const ids = Array.from({ length: 6 }, () => orders.pick().instance.id);
  expect(new Set(ids.slice(0, 3)).size).toBe(3);
  expect(ids.slice(3)).toEqual(ids.slice(0, 3));

  changes.length = 0;
  const [a, b] = registrations;
  await a?.update({ weight: 7, metadata: { canary: "yes" } });
  await expect.poll(() => changes).toHaveLength(1);
  expect(changes[0]).toMatchObject({
    added: [],
    updated: [{ id: "a", weight: 7, metadata: { canary: "yes" }, address: "10.0.0.7:97" }],
    removed: [],
    revision: expect.any(BigInt),
  });
  expect(orders.revision).toBeGreaterThanOrEqual(changes[0]?.revision ?? 0n);

  changes.length = 0;
  await b?.deregister();
  await untilIds(orders, ["a", "c"]);
  // One who leaves by itself is told from one who is lost: it was draining when it was last seen.
  expect(changes.at(-1)).toMatchObject({ removed: [{ id: "b", status: "draining" }] });
  expect(new Set(Array.from({ length: 4 }, () => orders.pick().instance.id))).toEqual(new Set(["a", "c"]));
});

test("a service sees nothing of another whose name begins like its own", async () => {
  const other = new ServiceRegistry(client);
  await registry.register({ name: "a", id: "1", address: "10.0.0.7:1" });
  await other.register({ name: "ab", id: "2", address: "10.0.0.7:2" });
  const resolver = registry.resolve("a");
  await resolver.ready();
  expect(resolver.instances.map(({ id }) => id)).toEqual(["1"]);
  await other.register({ name: "ab", id: "3", address: "10.0.0.7:3" });
  await registry.register({ name: "a", id: "4", address: "10.0.0.7:4" });
  await untilIds(resolver, ["1", "4"]);
  await other.close();
});

test("a drained instance is picked no more, and is gone after the wait", async () => {
  const staying = await registry.register({ name: "orders", address: "10.0.0.7:1" });
  const leaving = await registry.register({ name: "orders", address: "10.0.0.7:2" });
  const orders = registry.resolve("orders");
  await untilIds(orders, [staying.id, leaving.id]);

  const drained = leaving.drain({ forMs: 300 });
  await expect.poll(() => orders.instances.find(({ id }) => id === leaving.id)?.status).toBe("draining");
  for (let i = 0; i < 4; i++) expect(orders.pick().instance.id).toBe(staying.id);
  expect(leaving.state).toBe("registered");
  expect(leaving.instance.status).toBe("draining");
  await drained;
  expect(leaving.state).toBe("closed");
  expect([...(await keysOf(client)).keys()]).toEqual([staying.key]);
  await untilIds(orders, [staying.id]);
  await expect(leaving.update({ weight: 1 })).rejects.toMatchObject({ code: "CLOSED" });
  await leaving.deregister();
});

test("a drain that is ended early leaves the instance draining", async () => {
  const registration = await registry.register({ name: "orders", address: "10.0.0.7:1" });
  const controller = new AbortController();
  const drained = registration.drain({ forMs: 60_000, signal: controller.signal });
  await expect
    .poll(async () => (await client.get(registration.key))?.json())
    .toMatchObject({ status: "draining" });
  controller.abort(new Error("enough"));
  await expect(drained).rejects.toMatchObject({ code: "ABORTED", cause: { message: "enough" } });
  expect(registration.state).toBe("registered");
  await registration.deregister();
  expect(registration.state).toBe("closed");
});

test("closing the registry ends a drain that waits", async () => {
  const registration = await registry.register({ name: "orders", address: "10.0.0.7:1" });
  const drained = registration.drain({ forMs: 60_000 });
  await expect
    .poll(async () => (await client.get(registration.key))?.json())
    .toMatchObject({ status: "draining" });
  await registry.close();
  await drained;
  expect(registration.state).toBe("closed");
  await registration.drain({ forMs: 60_000 });
});

test("closing the registry ends a drain that has just begun", async () => {
  const registration = await registry.register({ name: "orders", address: "10.0.0.7:1" });
  const drained = registration.drain({ forMs: 60_000 });
  await Promise.all([registry.close(), drained]);
  expect(registration.state).toBe("closed");
});

test("an instance of weight 0 is known and not picked", async () => {
  const registration = await registry.register({ name: "orders", address: "10.0.0.7:1", weight: 0 });
  const orders = registry.resolve("orders");
  await untilIds(orders, [registration.id]);
  expect(() => orders.pick()).toThrow(/1 instances, and none of them takes calls/);
  await registration.update({ weight: 1 });
  await expect.poll(() => orders.instances[0]?.weight).toBe(1);
  expect(orders.pick().instance.id).toBe(registration.id);
});

test("a value nobody can read is reported, and spoils nothing", async () => {
  const registration = await registry.register({ name: "orders", address: "10.0.0.7:1" });
  const orders = registry.resolve("orders");
  const invalid: string[] = [];
  orders.on("invalid", ({ key, reason }) => invalid.push(`${key}: ${reason.message}`));
  await untilIds(orders, [registration.id]);
  await client.put("services/orders/broken", '{"address":"0.0.0.0:80"}');
  await expect
    .poll(() => invalid)
    .toEqual([expect.stringMatching(/^services\/orders\/broken: address must be.*0\.0\.0\.0/)]);
  expect(orders.instances.map(({ id }) => id)).toEqual([registration.id]);
  await client.delete("services/orders/broken");
});

test("resolvers of one service share a cache, and a later one begins with what is known", async () => {
  const registration = await registry.register({ name: "orders", address: "10.0.0.7:1" });
  const first = registry.resolve("orders");
  await first.ready();
  const second = registry.resolve("orders");
  expect(second.pick().instance).toBe(first.pick().instance);
  expect(second.instances).toBe(first.instances);

  await first.close();
  await first.close();
  expect(first.state).toBe("closed");
  expect(() => first.pick()).toThrow(expect.objectContaining({ code: "CLOSED" }));
  await expect(first.ready()).rejects.toMatchObject({ code: "CLOSED" });
  await registration.update({ weight: 3 });
  await expect.poll(() => second.instances[0]?.weight).toBe(3);

  await second.close();
  const third = registry.resolve("orders");
  expect(third.state).toBe("loading");
  await third.ready();
  expect(third.pick().instance.weight).toBe(3);
});
