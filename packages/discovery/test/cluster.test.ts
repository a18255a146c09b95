import { EtcdClient } from "@quorumkit/core";
import { startEtcdCluster } from "@quorumkit/testing";
import { expect, test } from "vitest";
import { ServiceRegistry } from "../src/index.ts";
import { untilIds } from "./support/clients.ts";

test("a cluster that loses its leader loses no registration, and resolvers go on", async () => {
  await using cluster = await startEtcdCluster(3);
  await using client = new EtcdClient({ endpoints: cluster.endpoints });
  await using registry = new ServiceRegistry(client, { ttlSeconds: 20 });
  const registration = await registry.register({ name: "orders", id: "a", address: "10.0.0.7:1" });
  const heard: string[] = [];
  registration.on("state", (state) => heard.push(state));
  const orders = registry.resolve("orders");
  await untilIds(orders, ["a"]);
  const before = await client.get(registration.key);

  const leader = await cluster.leader();
  await leader.kill();
  expect(orders.pick().instance.id).toBe("a");
  await registration.update({ weight: 9 }, { timeoutMs: 20_000 });
  await registry.register({ name: "orders", id: "b", address: "10.0.0.7:2" }, { timeoutMs: 20_000 });
  await untilIds(orders, ["a", "b"]);
  await expect.poll(() => orders.state, { timeout: 10_000 }).toBe("live");
  expect(orders.instances.find(({ id }) => id === "a")?.weight).toBe(9);
  const after = await client.get(registration.key);
  expect(after?.lease).toBe(before?.lease);
  expect(after?.createRevision).toBe(before?.createRevision);
  expect(heard.filter((state) => state !== "registered")).toEqual([]);
});
