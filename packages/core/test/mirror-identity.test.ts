import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { EtcdClient, Mirror, type MirrorClient } from "@quorumkit/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Backup } from "./support/backup.ts";
import { contentOf, record } from "./support/mirroring.ts";
import { startTcpProxy, type TcpProxy } from "./support/tcp-proxy.ts";

let server: EtcdServer;
let proxy: TcpProxy;
let writer: EtcdClient;
let etcd: EtcdClient;
beforeEach(async () => {
  server = await startEtcd();
  proxy = await startTcpProxy(server.endpoint);
  writer = new EtcdClient({ endpoints: server.endpoints });
  etcd = new EtcdClient({ endpoints: proxy.endpoint });
});
afterEach(async () => {
  await etcd.close();
  await writer.close();
  await proxy.close();
  await server.close();
});

const keysOf = ({ changes }: { readonly changes: readonly { readonly key: string }[] }): string[] =>
  changes.map(({ key }) => key);

describe("a mirror", { timeout: 60_000 }, () => {
  it("reads nothing while it follows", async () => {
    const mirror = await etcd.mirror({ prefix: "m/" });
    const { calls } = proxy;
    let revision = 0n;
    for (let index = 0; index < 300; index += 1)
      ({ revision } = await writer.put(`m/${index % 10}`, `${index}`));
    await expect.poll(() => mirror.revision).toBe(revision);
    expect(proxy.calls).toBe(calls);
    await mirror.close();
  });

  it("lists again when another cluster answers, even one that is ahead, and tells the difference", async () => {
    await writer.put("m/same", "1");
    await writer.put("m/gone", "1");
    const mirror = await etcd.mirror({ prefix: "m/" });
    await using other = await startEtcd();
    await using there = new EtcdClient({ endpoints: other.endpoints });
    for (let index = 0; index < 20; index += 1) await there.put("elsewhere", "");
    await there.put("m/new", "1");
    const told = record(mirror);
    proxy.retarget(other.endpoint);
    proxy.cut();
    await expect.poll(() => contentOf(mirror), { timeout: 10_000 }).toEqual({ "m/new": "1" });
    await expect.poll(() => mirror.state).toBe("live");
    expect(told.changes.map(keysOf)).toEqual([["m/gone", "m/same", "m/new"]]);
    const { revision } = await there.put("m/more", "1");
    await expect.poll(() => mirror.revision).toBe(revision);
    await mirror.close();
  });

  it("does not take another cluster's watch for the one that follows its listing", async () => {
    await writer.put("m/ours", "1");
    await using other = await startEtcd();
    await using there = new EtcdClient({ endpoints: other.endpoints });
    for (let index = 0; index < 5; index += 1) await there.put("m/theirs", `${index}`);
    // Between the listing and the watch the address comes to lead elsewhere.
    let watches = 0;
    const switched: MirrorClient = {
      timeoutMs: etcd.timeoutMs,
      range: (range, options) => etcd.range(range, options),
      pages: (range, options) => etcd.pages(range, options),
      watch: (range, options) => {
        watches += 1;
        if (watches === 1) {
          proxy.retarget(other.endpoint);
          proxy.cut();
        }
        return etcd.watch(range, options);
      },
    };
    const mirror = Mirror.start(switched, { prefix: "m/" });
    await expect.poll(() => mirror.state, { timeout: 10_000 }).toBe("live");
    expect(contentOf(mirror)).toEqual({ "m/theirs": "4" });
    expect(watches).toBe(2);
    await mirror.close();
  });

  it("lists again when the store was restored to before it", async () => {
    await writer.put("m/same", "1");
    await writer.put("m/changed", "1");
    await using backup = await Backup.take(server);
    const mirror = await etcd.mirror({ prefix: "m/" });
    const { revision: before } = await writer.put("m/changed", "2");
    await writer.put("m/lost", "1");
    await expect.poll(() => mirror.size).toBe(3);
    const told = record(mirror);
    await backup.restore();
    await expect.poll(() => [mirror.state, mirror.size], { timeout: 20_000 }).toEqual(["live", 2]);
    expect(contentOf(mirror)).toEqual({ "m/same": "1", "m/changed": "1" });
    expect(told.changes.map(keysOf)).toEqual([["m/lost", "m/changed"]]);
    expect(mirror.revision).toBeLessThan(before);
    await mirror.close();
  });

  it("lists again when a restored store has passed it, with other values under the same revisions", async () => {
    for (const key of ["a", "b", "c"]) await writer.put(`m/${key}`, "1");
    await using backup = await Backup.take(server);
    const mirror = await etcd.mirror({ prefix: "m/" });
    for (const key of ["a", "b"]) await writer.put(`m/${key}`, "ours");
    await expect.poll(() => contentOf(mirror)).toMatchObject({ "m/b": "ours" });
    const told = record(mirror);
    proxy.refuse();
    await expect.poll(() => mirror.state).toBe("stale");
    await backup.restore();
    // The same keys in the same revisions; then so many others that the revision alone tells nothing.
    await writer.put("m/a", "theirs", { timeoutMs: 20_000 });
    await writer.put("m/b", "ours");
    for (let index = 0; index < 10; index += 1) await writer.put("elsewhere", "");
    proxy.accept();
    await expect.poll(() => mirror.state, { timeout: 20_000 }).toBe("live");
    expect(contentOf(mirror)).toEqual({ "m/a": "theirs", "m/b": "ours", "m/c": "1" });
    expect(told.changes.map(keysOf)).toEqual([["m/a"]]);
    await mirror.close();
  });

  it("of many keys goes on without a listing, and with one where the last changes differ", async () => {
    const put = async (first: number, count: number, value: string): Promise<void> => {
      for (let index = first; index < first + count; index += 1)
        await writer.put(`m/${String(index).padStart(4, "0")}`, value, { timeoutMs: 20_000 });
    };
    await put(0, 600, "1");
    await using backup = await Backup.take(server);
    const mirror = await etcd.mirror({ prefix: "m/" });
    await put(100, 20, "2");
    await expect.poll(() => mirror.get("m/0119")?.text()).toBe("2");
    const told = record(mirror);
    const { answers } = proxy.bytes;
    proxy.cut();
    await expect.poll(() => told.states).toContain("stale");
    await expect.poll(() => mirror.state, { timeout: 10_000 }).toBe("live");
    expect(told.changes).toEqual([]);
    // Some 20 bytes for each key with a value of one byte.
    expect(proxy.bytes.answers - answers).toBeLessThan(40_000);

    proxy.refuse();
    await expect.poll(() => mirror.state).toBe("stale");
    await backup.restore();
    await put(100, 20, "3");
    await writer.put("elsewhere", "");
    proxy.accept();
    await expect.poll(() => mirror.state, { timeout: 20_000 }).toBe("live");
    expect(told.changes.map(({ changes }) => changes.length)).toEqual([20]);
    await mirror.close();
  });
});
