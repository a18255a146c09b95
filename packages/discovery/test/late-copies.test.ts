import { EtcdClient } from "@quorumkit/core";
import { EmbeddedEtcd } from "@quorumkit/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Registration, ServiceRegistry } from "../src/index.ts";
import { ghostOf, withLateCopy } from "./support/late-copy.ts";

let server: EmbeddedEtcd;
let client: EtcdClient;
let registry: ServiceRegistry;
beforeEach(async () => {
  server = await EmbeddedEtcd.start({ members: 2, quiet: true });
  client = new EtcdClient({ endpoints: server.endpoints });
  registry = new ServiceRegistry(client, { ttlSeconds: 60 });
  // It keeps the session alive that all share.
  await registry.register({ name: "stock", address: "10.0.0.7:1" });
});
afterEach(async () => {
  await registry.close();
  await client.close();
  await server.close();
});

async function registerOrders(): Promise<Registration> {
  return registry.register({ name: "orders", id: "orders-1", address: "10.0.0.7:2" });
}

test("a registration that is sent twice, and applied once more after deregister(), does not stay", async () => {
  const { result: registration, late } = await withLateCopy(server, registerOrders);
  await registration.deregister();
  expect(await ghostOf(server, "services/orders/", late)).toEqual(["put", "delete"]);
  expect(await client.get(registration.key)).toBeUndefined();
});

test("nor is one touched that the same id has registered meanwhile, which is swept after its own end", async () => {
  const { result: first, late } = await withLateCopy(server, registerOrders);
  await first.deregister();
  const second = await registerOrders();
  const registered = await client.get(second.key);
  late.release();
  await client.get("orders");
  expect((await client.get(second.key))?.modRevision).toBe(registered?.modRevision);
  // It still comes back, which nobody sweeps.
  await client.delete(second.key);
  await expect.poll(async () => (await client.get(second.key))?.lease).toBe(registered?.lease);
  expect(second.state).toBe("registered");
  await second.deregister();
  const another = { release: () => void client.put(second.key, "", { lease: registered?.lease ?? 0n }) };
  expect(await ghostOf(server, "services/orders/", another)).toEqual(["put", "delete"]);
});
