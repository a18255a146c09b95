import { EmbeddedEtcd, startEtcd, type EtcdServer } from "@quorumkit/testing";
import { EtcdClient, isEtcdError } from "@quorumkit/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTcpProxy } from "./support/tcp-proxy.ts";
import { collect, startEtcdTellingProgress, watcherCount } from "./support/watching.ts";

let server: EtcdServer;
let writer: EtcdClient;
beforeAll(async () => {
  server = await startEtcd();
  writer = new EtcdClient({ endpoints: server.endpoints });
});
afterAll(async () => {
  await writer.close();
  await server.close();
});

async function compact(revision: bigint): Promise<void> {
  await server.etcdctl(["compact", String(revision)]);
}

describe("a compaction past a watch", () => {
  it("is COMPACTED with the compact revision, where the start is gone", async () => {
    const { revision } = await writer.put("start/a", "1");
    await writer.put("start/a", "2");
    await compact(revision + 1n);
    const watcher = writer.watch("start/a", { startRevision: revision });
    const states: unknown[] = [];
    watcher.on("state", (state, error) => states.push([state, error?.code]));
    const error = await collect(watcher).ended;
    expect(isEtcdError(error, "COMPACTED") && error.compactRevision).toBe(revision + 1n);
    expect(watcher.state).toBe("closed");
    expect(states.at(-1)).toEqual(["closed", "COMPACTED"]);
    // From there on, everything is still to be had.
    const again = writer.watch("start/a", { startRevision: revision + 1n });
    const seen = collect(again);
    await expect.poll(() => seen.lines()).toEqual([`${revision + 1n} put start/a 2`]);
    await again.close();
  });

  it("leaves nothing of the ended watch at the server", async () => {
    const { revision } = await writer.put("left/a", "1");
    await writer.put("left/a", "2");
    await compact(revision + 1n);
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const before = await watcherCount(server);
    const other = etcd.watch("left/a");
    await other.ready();
    const ended = collect(etcd.watch("left/a", { startRevision: revision }));
    expect(await ended.ended).toMatchObject({ code: "COMPACTED" });
    await expect.poll(async () => watcherCount(server)).toBe(before + 1);
    await writer.put("left/a", "3");
    await expect.poll(() => other.lag.revisions).toBe(1n);
  });

  it("does not keep the server from telling the others of its stream how far they are", async () => {
    await using embedded = await EmbeddedEtcd.start({ quiet: true });
    await using etcd = new EtcdClient({ endpoints: embedded.endpoints });
    const { revision } = await etcd.put("a", "1");
    // Filtered, so that only the server can tell.
    const other = etcd.watch("a", { startRevision: revision, filters: ["delete"] });
    await etcd.put("b", "");
    await etcd.compact(revision + 1n);
    expect(await collect(etcd.watch("a", { startRevision: revision })).ended).toMatchObject({
      code: "COMPACTED",
    });
    const { revision: last } = await etcd.put("b", "");
    expect(await other.requestProgress()).toBeGreaterThanOrEqual(last);
  });

  it("is COMPACTED for a watch that was cut off meanwhile, and for no other", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    const { revision: start } = await writer.put("cut/a", "1");
    const behind = collect(etcd.watch("cut/a", { startRevision: start }));
    const ahead = etcd.watch("cut/a", { startRevision: start + 100n });
    const seenAhead = collect(ahead);
    await expect.poll(() => behind.revision()).toBe(start);
    await ahead.ready();
    proxy.refuse();
    for (let index = 1; index <= 50; index += 1) await writer.put("cut/a", `${index}`);
    await compact(start + 40n);
    proxy.accept();
    const error = await behind.ended;
    expect(isEtcdError(error, "COMPACTED") && error.compactRevision).toBe(start + 40n);
    expect(behind.lines()).toEqual([`${start} put cut/a 1`]);
    for (let index = 51; index <= 100; index += 1) await writer.put("cut/a", `${index}`);
    await expect.poll(() => seenAhead.lines()).toEqual([`${start + 100n} put cut/a 100`]);
  });

  it("is thrown only after what was received before it has been read", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    const { revision: start } = await writer.put("tail/a", "0");
    const watcher = etcd.watch("tail/a", { startRevision: start });
    const other = collect(etcd.watch("tail/a", { startRevision: start }));
    await watcher.ready();
    for (let index = 1; index <= 5; index += 1) await writer.put("tail/a", `${index}`);
    await expect.poll(() => other.revision()).toBe(start + 5n);
    proxy.refuse();
    for (let index = 6; index <= 10; index += 1) await writer.put("tail/a", `${index}`);
    await compact(start + 10n);
    proxy.accept();
    await expect.poll(() => watcher.state).toBe("closed");
    const seen = collect(watcher);
    expect(await seen.ended).toMatchObject({ code: "COMPACTED" });
    expect(seen.revision()).toBe(start + 5n);
    expect(seen.batches.flatMap(({ events }) => events).map(({ kv }) => kv.text())).toEqual([
      "0",
      "1",
      "2",
      "3",
      "4",
      "5",
    ]);
  });

  it("does not concern a watch that has seen everything", async () => {
    const { revision } = await writer.put("fresh/a", "1");
    await using watcher = writer.watch("fresh/a", { startRevision: revision });
    const seen = collect(watcher);
    await expect.poll(() => seen.revision()).toBe(revision);
    await compact(revision);
    const after = await writer.put("fresh/a", "2");
    await expect.poll(() => seen.revision()).toBe(after.revision);
  });

  it("does not concern a quiet watch that etcd has told how far it is", async () => {
    const quick = await startEtcdTellingProgress();
    await using client = new EtcdClient({ endpoints: quick.endpoints });
    const watcher = client.watch("quiet");
    const seen = collect(watcher);
    await watcher.ready();
    let revision = 0n;
    for (let index = 0; index < 20; index += 1) ({ revision } = await client.put(`busy/${index}`, "x"));
    // Far beyond the quiet key's own history: only progress can have told the watch.
    await expect.poll(() => watcher.resumeToken?.split(".")[2]).toBe(String(revision));
    await quick.etcdctl(["compact", String(revision)]);
    await quick.kill();
    await quick.restart();
    await client.put("quiet", "at last", { timeoutMs: 20_000 });
    await expect
      .poll(() => seen.lines(), { timeout: 10_000 })
      .toEqual([`${revision + 1n} put quiet at last`]);
    await watcher.close();
    await quick.close();
  });
});
