import { startEtcd } from "@quorumkit/testing";
import { expect, test } from "vitest";
import { ServiceRegistry } from "../src/index.ts";
import { clientOf, keysOf, untilIds } from "./support/clients.ts";

test("a registry in a namespace registers and finds there, and not elsewhere", async () => {
  await using etcd = await startEtcd();
  await using client = clientOf(etcd);
  await using one = new ServiceRegistry(client.namespace("one/"));
  await using two = new ServiceRegistry(client.namespace("two/"));
  const [first, second] = await Promise.all(
    [one, two].map(async (each) => each.register({ name: "orders", address: "10.0.0.7:8080" })),
  );
  expect(first?.key).toBe(`services/orders/${first?.id}`);
  expect([...(await keysOf(client, "")).keys()]).toEqual([`one/${first?.key}`, `two/${second?.key}`]);
  await untilIds(one.resolve("orders"), [first?.id ?? ""]);
  await untilIds(two.resolve("orders"), [second?.id ?? ""]);
});
