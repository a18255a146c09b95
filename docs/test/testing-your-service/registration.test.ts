import { EtcdClient } from "@quorumkit/core";
import { ServiceRegistry } from "@quorumkit/discovery";
import { etcdTest } from "@quorumkit/testing/vitest";
import { expect } from "vitest";

const test = etcdTest();
/** A limit, not a wait: for machines that are busy. */
const soon = { timeout: 10_000 };

/** The service: healthy only while others can find it. */
async function startOrders(etcd: EtcdClient) {
  const registry = new ServiceRegistry(etcd);
  const registration = await registry.register({ name: "orders", address: "10.0.0.7:8080" });
  return {
    registration,
    isHealthy: () => registration.state === "registered",
    close: () => registry.close(),
  };
}

test("a service that loses its registration says so, and is back by itself", async ({ etcd, namespace }) => {
  await using client = new EtcdClient({ endpoints: etcd.endpoints, namespace });
  await using registry = new ServiceRegistry(client);
  const orders = registry.resolve("orders");
  await orders.ready();
  const service = await startOrders(client);
  await expect.poll(() => orders.instances.length, soon).toBe(1);

  const history: string[] = [];
  service.registration.on("state", (state) => history.push(`${state}, healthy: ${service.isHealthy()}`));
  orders.on("change", ({ added, removed }) => history.push(`callers: +${added.length} -${removed.length}`));

  // As if the process had been stopped for longer than its TTL: the lease is gone, and its key with it.
  const first = await client.get(service.registration.key);
  etcd.expireLease(first?.lease ?? 0n);

  const all = ["lost, healthy: false", "callers: +0 -1", "registered, healthy: true", "callers: +1 -0"];
  await expect.poll(() => history, soon).toEqual(expect.arrayContaining(all));
  const second = await client.get(service.registration.key);
  expect(second?.lease).not.toBe(first?.lease);
  await service.close();
  expect(await client.get(service.registration.key)).toBeUndefined();
});
