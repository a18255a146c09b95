import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { EtcdClient, type WatchEvent } from "@quorumkit/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { collect, watchStreamCount } from "./support/watching.ts";

/** For a busy machine. */
const PATIENT = { timeout: 15_000 };

let server: EtcdServer;
let root: EtcdClient;
beforeAll(async () => {
  server = await startEtcd();
  root = new EtcdClient({ endpoints: server.endpoints });
});
afterAll(async () => {
  await root.close();
  await server.close();
});

function told({ type, kv, prevKv }: WatchEvent): string {
  const before = prevKv === undefined ? "" : ` (${prevKv.key}=${prevKv.text()})`;
  return `${type} ${kv.key}=${kv.text()}${before}`;
}

it("a watch tells of the namespace's keys by their names in it, as they were before, too", async () => {
  const app = root.namespace("watch/");
  const all = collect(
    app.watch({ prefix: "" }, { prevKv: true, startRevision: (await root.put("x", "")).revision }),
  );
  const one = collect(app.watch("a", { startRevision: 1n }));
  const onwards = collect(app.watch({ from: "b" }, { startRevision: 1n }));
  await app.put("a", "1");
  await root.put("a", "outside");
  await root.put("watch", "outside");
  await root.put("watch/", "outside");
  await root.put("watch0", "outside");
  await app.put("a", "2");
  await app.put("b", "3");
  await app.delete({ prefix: "" });
  const events = (collected: typeof all): string[] =>
    collected.batches.flatMap((batch) => batch.events.map(told));
  await expect
    .poll(() => events(all), PATIENT)
    .toEqual(["put a=1", "put a=2 (a=1)", "put b=3", "delete a= (a=2)", "delete b= (b=3)"]);
  await expect.poll(() => events(one), PATIENT).toEqual(["put a=1", "put a=2", "delete a="]);
  await expect.poll(() => events(onwards), PATIENT).toEqual(["put b=3", "delete b="]);
  await app.close();
  for (const { ended } of [all, one, onwards]) expect(await ended).toMatchObject({ code: "CLOSED" });
});

it("a watch that begins now, and namespaces with the same name inside, do not mix", async () => {
  const one = root.namespace("w1/");
  const two = root.namespace("w2/");
  const watchers = [one, two].map((each) => each.watch("key"));
  const seen = watchers.map(collect);
  await Promise.all(watchers.map(async (each) => each.ready()));
  await two.put("key", "2");
  await one.put("key", "1");
  await expect.poll(() => seen.map(({ batches }) => batches.length), PATIENT).toEqual([1, 1]);
  expect(seen.map(({ batches }) => batches[0]?.events[0]?.kv.text())).toEqual(["1", "2"]);
  await Promise.all([one.close(), two.close()]);
});

it("a watch goes on where it was when etcd comes back, and so does a mirror", async () => {
  const app = root.namespace("restart/");
  await app.put("kept", "1");
  await root.put("restart", "outside");
  const mirror = await app.mirror({ prefix: "" });
  expect(mirror.get("kept")?.key).toBe("kept");
  expect([...mirror.entries()].map(({ key }) => key)).toEqual(["kept"]);
  const changes: string[] = [];
  mirror.on("change", (change) => changes.push(...change.changes.map(({ type, key }) => `${type} ${key}`)));
  const watcher = app.watch({ prefix: "" });
  const seen = collect(watcher);
  await watcher.ready();
  await app.put("before", "1");
  await expect.poll(() => seen.lines().length, PATIENT).toBe(1);
  await server.kill();
  await server.restart();
  await app.put("after", "2", { timeoutMs: 20_000 });
  await root.put("restart0", "outside");
  await app.delete("kept");
  const keys = (): (string | undefined)[] =>
    seen.lines().map((line) => line.split(" ").slice(1, 3).join(" "));
  await expect.poll(keys, PATIENT).toEqual(["put before", "put after", "delete kept"]);
  await expect.poll(() => mirror.size, PATIENT).toBe(2);
  expect(changes).toEqual(["put before", "put after", "delete kept"]);
  expect(mirror.get("after")?.text()).toBe("2");
  expect(mirror.get("restart/after")).toBeUndefined();
  await app.close();
  await expect.poll(() => mirror.state).toBe("closed");
});

it("watches of one namespace share a stream, which ends with the last of them", async () => {
  const before = await watchStreamCount(server);
  const app = root.namespace("streams/");
  const watchers = Array.from({ length: 20 }, (_, index) => app.watch(`key-${index}`));
  await Promise.all(watchers.map(async (each) => each.ready()));
  expect(await watchStreamCount(server)).toBe(before + 1);
  await Promise.all(watchers.map(async (each) => each.close()));
  await expect.poll(async () => watchStreamCount(server), PATIENT).toBe(before);
});
