import { EtcdClient } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type DrainOptions,
  type ResolveOptions,
  ServiceRegistry,
  type ServiceRegistryOptions,
} from "../src/index.ts";
import { clientOf, expectNothingLeft, keysOf } from "./support/clients.ts";

let etcd: EtcdServer;
let client: EtcdClient;

beforeAll(async () => {
  etcd = await startEtcd();
  client = clientOf(etcd);
});
afterAll(async () => {
  await client.close();
  await etcd.close();
});

test.each<[object, RegExp]>([
  [{ prefix: "" }, /prefix must be a string that is not empty/],
  [{ prefix: "services/" }, /prefix must not end in "\/"/],
  [{ ttlSeconds: 0 }, /ttlSeconds must be a whole number between 1 and/],
  [{ ttlSeconds: 1.5 }, /ttlSeconds must be a whole number/],
  [{ timeoutMs: 0 }, /timeoutMs must be a number between 1 and/],
  [{ codec: "protobuf" }, /codec must be one of json, received "protobuf"/],
  [{ ttl: 10 }, /unknown option "ttl"; known are prefix, ttlSeconds, codec, timeoutMs/],
])("a registry refuses %j", (options, message) => {
  expect(() => new ServiceRegistry(client, options as ServiceRegistryOptions)).toThrow(message);
  expect(() => new ServiceRegistry(client, options as ServiceRegistryOptions)).toThrow(TypeError);
});

test("what is refused leaves nothing in etcd", async () => {
  const registry = new ServiceRegistry(client);
  await expect(registry.register({ name: "orders", address: "0.0.0.0:80" })).rejects.toThrow(TypeError);
  await expect(registry.register({ name: "or/ders", address: "10.0.0.7:80" })).rejects.toThrow(
    /name must not contain/,
  );
  await expect(
    registry.register({ name: "orders", address: "10.0.0.7:80" }, { timeoutMs: -1 }),
  ).rejects.toThrow(/timeoutMs/);
  await expect(
    registry.register({ name: "orders", address: "10.0.0.7:80" }, { timeout: 5 } as object),
  ).rejects.toThrow(/register: unknown option "timeout"/);
  expect(() => registry.resolve("")).toThrow(/name must be a string/);
  expect(() => registry.resolve("orders", { balancer: "p2c" } as unknown as ResolveOptions)).toThrow(
    /balancer must be one of roundRobin, received "p2c"/,
  );
  expect(() => registry.resolve("orders", { balance: "roundRobin" } as ResolveOptions)).toThrow(
    /unknown option "balance"/,
  );
  await expectNothingLeft(client);
  await registry.close();
});

test("a registration that stands is not hurt by what is refused", async () => {
  const registry = new ServiceRegistry(client);
  const registration = await registry.register({ name: "orders", address: "10.0.0.7:80" });
  const before = await client.get(registration.key);
  await expect(registration.update({ weight: -1 })).rejects.toThrow(/weight must be/);
  await expect(registration.update({ name: "x" } as object)).rejects.toThrow(/update: unknown option "name"/);
  await expect(registration.drain({ forMs: -1 })).rejects.toThrow(/forMs must be a number between 0/);
  await expect(registration.drain({ for: 1 } as DrainOptions)).rejects.toThrow(/drain: unknown option "for"/);
  await expect(registration.deregister({ signal: "now" } as object)).rejects.toThrow(
    /signal must be an AbortSignal/,
  );
  // etcd's own limit, which only etcd knows: the change is taken back.
  const tooLarge = registration.update({ metadata: { text: "x".repeat(2 * 1024 * 1024) } });
  await expect(tooLarge).rejects.toMatchObject({ code: "REQUEST_TOO_LARGE" });
  expect(registration.instance.metadata).toEqual({});
  expect(registration.state).toBe("registered");
  expect((await client.get(registration.key))?.modRevision).toBe(before?.modRevision);
  await registration.update({ weight: 7 });
  expect((await client.get(registration.key))?.json()).toMatchObject({ weight: 7, metadata: {} });
  await registry.close();
});

test("a registration etcd refuses rejects at once, and nothing is left", async () => {
  const registry = new ServiceRegistry(client, { timeoutMs: 60_000 });
  await expect(
    registry.register({
      name: "orders",
      address: "10.0.0.7:80",
      metadata: { text: "x".repeat(2 * 1024 * 1024) },
    }),
  ).rejects.toMatchObject({ code: "REQUEST_TOO_LARGE" });
  await registry.close();
  await expectNothingLeft(client);
});

test("a service nobody can reach is told by ready, and picked from never", async () => {
  await using lost = new EtcdClient({ endpoints: "http://127.0.0.1:1" });
  await using registry = new ServiceRegistry(lost, { timeoutMs: 300 });
  const orders = registry.resolve("orders");
  await expect(orders.ready()).rejects.toMatchObject({ code: expect.stringMatching(/TIMEOUT|UNAVAILABLE/) });
  expect(orders.state).toBe("loading");
  expect(() => orders.pick()).toThrow(/not loaded yet/);
  const registering = registry.register({ name: "orders", address: "10.0.0.7:80" }, { timeoutMs: 1_500 });
  await expect(registering).rejects.toMatchObject({
    code: "UNAVAILABLE",
    message: expect.stringMatching(
      /register "orders" .*: not done within 1500 ms \(UNAVAILABLE: .*ECONNREFUSED/,
    ),
    cause: { code: "UNAVAILABLE" },
  });
});

test.each([
  [undefined, "etcd must be an EtcdClient, received undefined"],
  [{}, "etcd must be an EtcdClient, received an object of type Object"],
])("a registry refuses %j for a client", (given, message) => {
  expect(() => new ServiceRegistry(given as never)).toThrow(new TypeError(message));
});

test("a closed registry refuses everything, and may be closed again", async () => {
  const registry = new ServiceRegistry(client);
  const orders = registry.resolve("orders");
  const states: string[] = [];
  orders.on("state", (state) => states.push(state));
  const registration = await registry.register({ name: "orders", address: "10.0.0.7:80" });
  await Promise.all([registry.close(), registry.close()]);
  await registry.close();
  expect(registration.state).toBe("closed");
  expect(orders.state).toBe("closed");
  expect(states.at(-1)).toBe("closed");
  expect(() => orders.pick()).toThrow(expect.objectContaining({ code: "CLOSED" }));
  expect(() => registry.resolve("orders")).toThrow(expect.objectContaining({ code: "CLOSED" }));
  await expect(registry.register({ name: "orders", address: "10.0.0.7:80" })).rejects.toMatchObject({
    code: "CLOSED",
  });
  await expect(registration.update({ weight: 1 })).rejects.toMatchObject({ code: "CLOSED" });
  await registration.deregister();
  await orders.close();
});

test("a client that is closed under the registry ends everything", async () => {
  const other = clientOf(etcd);
  const registry = new ServiceRegistry(other);
  const registration = await registry.register({ name: "orders", address: "10.0.0.7:80" });
  const orders = registry.resolve("orders");
  await orders.ready();
  await other.close();
  await expect.poll(() => registration.state).toBe("closed");
  await expect.poll(() => orders.state).toBe("closed");
  await registry.close();
  expect((await keysOf(client)).size).toBe(0);
});
