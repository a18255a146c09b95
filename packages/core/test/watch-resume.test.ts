import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { EtcdClient, isEtcdError } from "@quorumkit/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isOrdered } from "../src/watch/progress-trust.ts";
import { Backup } from "./support/backup.ts";
import { runProgram } from "./support/run-program.ts";
import { startTcpProxy, type TcpProxy } from "./support/tcp-proxy.ts";
import { collect } from "./support/watching.ts";

let server: EtcdServer;
let etcd: EtcdClient;
beforeEach(async () => {
  server = await startEtcd();
  etcd = new EtcdClient({ endpoints: server.endpoints });
});
afterEach(async () => {
  await etcd.close();
  await server.close();
});

async function write(client: EtcdClient, prefix: string, count: number): Promise<bigint> {
  let revision = 0n;
  for (let index = 0; index < count; index += 1)
    ({ revision } = await client.put(`${prefix}${index}`, `${index}`));
  return revision;
}

/** The token of a watch of `prefix` that has everything up to `revision`. */
async function tokenAt(prefix: string, revision: bigint): Promise<string> {
  const watcher = etcd.watch({ prefix }, { startRevision: revision + 1n });
  await watcher.ready();
  const token = watcher.resumeToken;
  await watcher.close();
  if (token === undefined) throw new Error("a confirmed watch has no token");
  return token;
}

describe("a resume token", { timeout: 60_000 }, () => {
  it("stands for what the loop was given, and another process goes on from there", async () => {
    const { revision: start } = await etcd.put("resume/start", "");
    await write(etcd, "resume/", 10);
    const watcher = etcd.watch({ prefix: "resume/" }, { startRevision: start });
    const iterator = watcher[Symbol.asyncIterator]();
    const first: string[] = [];
    // One answer brings all that was there; what comes then waits in the buffer.
    for (const { key } of (await iterator.next()).value?.events ?? []) first.push(key);
    await write(etcd, "resume/later-", 3);
    await expect.poll(() => watcher.lag.ms).toBeGreaterThan(0);
    const token = watcher.resumeToken ?? "";
    await watcher.close();
    await etcd.put("elsewhere", "");
    await write(etcd, "resume/last-", 2);

    const { code, stdout, stderr } = await runProgram(
      `import { EtcdClient } from "./src/index.ts";
       const [endpoints, resumeToken] = process.argv.slice(2);
       const etcd = new EtcdClient({ endpoints });
       const watcher = etcd.watch({ prefix: "resume/" }, { resumeToken });
       const keys = [];
       for await (const { events } of watcher) {
         keys.push(...events.map(({ key }) => key));
         if (keys.at(-1) === "resume/last-1") break;
       }
       console.log(JSON.stringify(keys));
       await etcd.close();`,
      [server.endpoint, token],
    );
    expect([code, stderr]).toEqual([0, ""]);
    const named = (name: string, count: number): string[] =>
      Array.from({ length: count }, (_, index) => `resume/${name}${index}`);
    expect([...first, ...(JSON.parse(stdout) as string[])]).toEqual([
      "resume/start",
      ...named("", 10),
      ...named("later-", 3),
      ...named("last-", 2),
    ]);
  });

  it("is there once etcd has answered, and never for a revision that the store has not had", async () => {
    const now = etcd.watch("a");
    expect(now.resumeToken).toBeUndefined();
    await now.ready();
    const { revision } = await etcd.put("b", "");
    expect(now.resumeToken).toMatch(/^v1\.[0-9a-f]+\.1\./);
    const future = etcd.watch("a", { startRevision: revision + 2n });
    await future.ready();
    expect(future.resumeToken).toBeUndefined();
    await etcd.put("a", "1");
    await etcd.put("a", "2");
    await expect.poll(() => future.lag.ms).toBeGreaterThan(0);
    expect(future.resumeToken).toMatch(new RegExp(String.raw`^v1\.[0-9a-f]+\.${revision + 1n}\.`));
  });

  it("keeps up while nothing happens to the watched keys, so that a compaction does not overtake it", async () => {
    const watcher = etcd.watch({ prefix: "quiet/" });
    await watcher.ready();
    const revision = await write(etcd, "busy/", 50);
    expect(await watcher.requestProgress()).toBeGreaterThanOrEqual(revision);
    const resumeToken = watcher.resumeToken ?? "";
    await watcher.close();
    await server.etcdctl(["compact", String(revision)]);
    const seen = collect(etcd.watch({ prefix: "quiet/" }, { resumeToken }));
    await etcd.put("quiet/a", "1");
    let code: string | undefined;
    void seen.ended.then((error) => (code = isEtcdError(error) ? error.code : undefined));
    const line = `${revision + 1n} put quiet/a 1`;
    // The word of servers before 3.4.25 and 3.5.8 moves no position: events may still be on their way.
    const expected = isOrdered(server.version) ? [[line], undefined] : [[], "COMPACTED"];
    await expect.poll(() => [seen.lines(), code]).toEqual(expected);
  });

  it("is refused by another cluster, whose events are not shown, however far that is", async () => {
    const token = await tokenAt("w/", await write(etcd, "w/", 5));
    await using other = await startEtcd();
    await using there = new EtcdClient({ endpoints: other.endpoints });
    for (const count of [1, 20]) {
      await write(there, "w/", count);
      const watcher = there.watch({ prefix: "w/" }, { resumeToken: token });
      const seen = collect(watcher);
      await expect(watcher.ready()).rejects.toMatchObject({ code: "CLUSTER_CHANGED" });
      expect(await seen.ended).toMatchObject({ code: "CLUSTER_CHANGED" });
      expect(seen.lines()).toEqual([]);
    }
  });

  it("is refused by a store that was restored to before it", async () => {
    await using backup = await Backup.take(server);
    const token = await tokenAt("w/", await write(etcd, "w/", 5));
    await backup.restore();
    const watcher = etcd.watch({ prefix: "w/" }, { resumeToken: token });
    await expect(watcher.ready({ timeoutMs: 20_000 })).rejects.toMatchObject({ code: "CLUSTER_CHANGED" });
  });

  it("is refused where it is none, is of another range, or stands beside a start revision", async () => {
    const token = await tokenAt("w/", await write(etcd, "w/", 1));
    const watch = (range: { prefix: string }, resumeToken: unknown, more: object = {}): unknown =>
      etcd.watch(range, { resumeToken: resumeToken as string, ...more });
    const [version, clusterId, revision, digest] = token.split(".");
    for (const wrong of [
      "",
      "v1",
      7,
      null,
      {},
      ` ${token}`,
      `${token}\n`,
      [version, clusterId, "-1", digest].join("."),
      [version, clusterId, 2n ** 63n - 1n, digest].join("."),
      [version, "xyz", revision, digest].join("."),
      ["v2", clusterId, revision, digest].join("."),
    ]) {
      expect(() => watch({ prefix: "w/" }, wrong)).toThrow(TypeError);
    }
    expect(() => watch({ prefix: "w/" }, "what a token")).toThrow(/resumeToken .* received "what a token"/);
    expect(() => watch({ prefix: "other/" }, token)).toThrow(/another range/);
    expect(() => watch({ prefix: "w/" }, token, { startRevision: 5n })).toThrow(/startRevision, received 5n/);
  });
});

describe("a watch that runs", { timeout: 60_000 }, () => {
  let proxy: TcpProxy;
  let watching: EtcdClient;
  beforeEach(async () => {
    proxy = await startTcpProxy(server.endpoint);
    watching = new EtcdClient({ endpoints: proxy.endpoint });
  });
  afterEach(async () => {
    await watching.close();
    await proxy.close();
  });

  it.each([
    ["that is behind", 0],
    ["that is ahead", 30],
  ])("ends with CLUSTER_CHANGED when another cluster answers %s", async (_, writes) => {
    await using other = await startEtcd();
    await using there = new EtcdClient({ endpoints: other.endpoints });
    await write(there, "w/", writes);
    const watchers = [watching.watch({ prefix: "w/" }), watching.watch("w/1", { startRevision: 1n })];
    const seen = watchers.map(collect);
    await Promise.all(watchers.map(async (each) => each.ready()));
    await etcd.put("w/0", "ours");
    await etcd.put("w/1", "ours");
    await expect.poll(() => seen.map((each) => each.lines().length)).toEqual([2, 1]);
    proxy.retarget(other.endpoint);
    proxy.cut();
    for (const each of seen) expect(await each.ended).toMatchObject({ code: "CLUSTER_CHANGED" });
    await write(there, "w/", 3);
    expect(seen.map((each) => each.lines().length)).toEqual([2, 1]);
    // The client is as good for the other cluster as for the first one.
    const fresh = watching.watch({ prefix: "w/" });
    await fresh.ready();
    await fresh.close();
  });

  it("ends with CLUSTER_CHANGED when its store is restored to before it, also where its own keys were quiet", async () => {
    await using backup = await Backup.take(server);
    const busy = watching.watch({ prefix: "w/" });
    const quiet = watching.watch("quiet");
    const seen = [busy, quiet].map(collect);
    await Promise.all([busy.ready(), quiet.ready()]);
    const revision = await write(etcd, "w/", 10);
    await expect.poll(() => seen[0]?.revision()).toBe(revision);
    expect(await quiet.requestProgress()).toBe(revision);
    await backup.restore();
    for (const each of seen) expect(await each.ended).toMatchObject({ code: "CLUSTER_CHANGED" });
  });

  it("goes on where the store is as far as it was", async () => {
    const watcher = watching.watch({ prefix: "w/" });
    const seen = collect(watcher);
    await watcher.ready();
    await write(etcd, "w/", 10);
    await using _backup = await Backup.take(server);
    const revision = await write(etcd, "w/", 10);
    await expect.poll(() => seen.revision(), { timeout: 10_000 }).toBe(revision);
    expect(seen.lines().length).toBe(20);
    await watcher.close();
  });
});
