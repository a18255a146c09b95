import { startEtcd } from "@quorumkit/testing";
import { expect, test } from "vitest";
import { ServiceRegistry } from "../src/index.ts";
import { clientOf, expectAllOnLivingLeases } from "./support/clients.ts";

test("a key that is taken off its lease is put back on it, though its value is right", async () => {
  await using etcd = await startEtcd();
  await using client = clientOf(etcd);
  await using registry = new ServiceRegistry(client, { ttlSeconds: 2 });
  const registration = await registry.register({ name: "orders", id: "orders-1", address: "10.0.0.7:1" });
  const heard: string[] = [];
  registration.on("state", (state, reason) =>
    heard.push(reason === undefined ? state : `${state} ${reason.code}`),
  );
  const written = await client.get(registration.key);
  // As a copy of the keys by hand does it. It would stay for ever, also without the process.
  await client.put(registration.key, written?.value ?? "");
  await expect.poll(() => heard, { timeout: 10_000 }).toEqual(["lost NOT_OWNER", "registered"]);
  const now = await client.get(registration.key);
  expect([now?.text(), now?.lease]).toEqual([written?.text(), written?.lease]);
  await expectAllOnLivingLeases(client);
});
