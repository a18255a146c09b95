import { once } from "node:events";
import type { EtcdClient } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ServiceRegistry } from "../src/index.ts";
import { startProgram } from "./support/child.ts";
import { clientOf, keysOf, untilIds } from "./support/clients.ts";

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

test("an instance whose process is killed leaves within its TTL, and counts as lost", async () => {
  await using registry = new ServiceRegistry(client);
  const orders = registry.resolve("orders");
  const removed: string[] = [];
  orders.on("change", (change) => removed.push(...change.removed.map(({ id, status }) => `${id} ${status}`)));
  const child = await startProgram(etcd.endpoint, "doomed", "wait");
  await untilIds(orders, ["doomed"]);
  const killedAt = performance.now();
  child.kill("SIGKILL");
  await untilIds(orders, []);
  // The TTL is 2 seconds; etcd looks for expired leases every half second.
  expect(performance.now() - killedAt).toBeLessThan(4_000);
  expect(removed).toEqual(["doomed up"]);
  expect(() => orders.pick()).toThrow(/"orders" has no instance/);
});

test("a restarted process gets its id back as soon as its predecessor is gone", async () => {
  const child = await startProgram(etcd.endpoint, "phoenix", "wait");
  child.kill("SIGKILL");
  await using registry = new ServiceRegistry(client, { ttlSeconds: 2 });
  const registration = await registry.register(
    { name: "orders", id: "phoenix", address: "10.0.0.8:1" },
    { timeoutMs: 10_000 },
  );
  expect((await client.get(registration.key))?.json()).toMatchObject({ address: "10.0.0.8:1" });
});

test.each(["close", "deregister"] as const)(
  "after %s nothing is left, and the process ends by itself",
  async (then) => {
    const child = await startProgram(etcd.endpoint, "polite", then);
    const [code] = child.exitCode === null ? ((await once(child, "exit")) as [number]) : [child.exitCode];
    expect(code).toBe(0);
    expect((await keysOf(client)).size).toBe(0);
    expect(await client.leases.list()).toEqual([]);
  },
);
