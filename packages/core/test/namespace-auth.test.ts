import { EtcdClient } from "@quorumkit/core";
import { startEtcd } from "@quorumkit/testing";
import { expect, it } from "vitest";
import { createUser, enableAuth } from "./support/users.ts";

it("leave to read and write what begins with the prefix is all a namespace needs", async () => {
  await using server = await startEtcd();
  await enableAuth(server);
  await createUser(server, "app", "Battery-Staple-20");
  const auth = { username: "app", password: "Battery-Staple-20" };
  await using root = new EtcdClient({ endpoints: server.endpoint, auth });
  const app = root.namespace("app/");
  await app.put("a", "1");
  await app.putAll([
    ["b", "2"],
    ["c", "3"],
  ]);
  const mirror = await app.mirror({ prefix: "" });
  const watcher = app.watch({ from: "" }, { prevKv: true });
  await watcher.ready();
  expect((await app.delete({ from: "b" })).deleted).toBe(2n);
  for await (const { events } of watcher) {
    expect(events.map(({ key, prevKv }) => `${key} ${prevKv?.text()}`)).toEqual(["b 2", "c 3"]);
    break;
  }
  await expect.poll(() => [...mirror.entries()].map(({ key }) => key), { timeout: 15_000 }).toEqual(["a"]);
  await app.lock("jobs").using(async (held) => expect((await app.get(held.key))?.lease).toBe(held.leaseId));
  const keys: string[] = [];
  for await (const { key } of app.scan({ prefix: "" }, { pageSize: 1 })) keys.push(key);
  expect(keys).toEqual(["a"]);
  await app.stm((tx) => tx.put("d", "4"));
  expect((await app.range({ prefix: "" })).count).toBe(2n);

  await expect(root.namespace("other/").get("a")).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  await expect(root.get("a")).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
});
