import { setTimeout as delay } from "node:timers/promises";
import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { EtcdClient, isEtcdError, Mirror } from "@quorumkit/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { contentOf, record, sorted } from "./support/mirroring.ts";
import { startTcpProxy, type TcpProxy } from "./support/tcp-proxy.ts";
import { randomFrom } from "./support/watching.ts";

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

async function compactNow(): Promise<void> {
  const { revision } = await writer.put("elsewhere", "");
  await server.etcdctl(["compact", String(revision)]);
}

describe("a mirror whose etcd is away", { timeout: 60_000 }, () => {
  it("serves the last state, says that it is stale and since when, and becomes live again", async () => {
    await writer.put("away/a", "1");
    const mirror = await etcd.mirror({ prefix: "away/" });
    const told = record(mirror);
    const before = Date.now();
    await server.kill();
    await expect.poll(() => mirror.state).toBe("stale");
    const since = mirror.staleSince?.getTime() ?? 0;
    expect(since).toBeGreaterThanOrEqual(before);
    expect(since).toBeLessThanOrEqual(Date.now());
    expect(isEtcdError(mirror.lastError, "UNAVAILABLE")).toBe(true);
    expect(mirror.get("away/a")?.text()).toBe("1");
    await delay(300);
    // The date is that of the beginning, however often it is tried meanwhile.
    expect(mirror.staleSince?.getTime()).toBe(since);
    await mirror.ready();
    await server.restart();
    const { revision } = await writer.put("away/b", "2", { timeoutMs: 20_000 });
    await expect.poll(() => [mirror.state, mirror.revision], { timeout: 10_000 }).toEqual(["live", revision]);
    expect([mirror.staleSince, mirror.lastError]).toEqual([undefined, undefined]);
    expect(told.states).toEqual(["live", "stale", "live"]);
    // It went on where it was: no second listing.
    expect(told.changes.map(({ changes }) => changes.map(({ key }) => key))).toEqual([["away/b"]]);
    await mirror.close();
  });

  it("is live only when it has what was written while it was cut off", async () => {
    await writer.put("behind/a", "0");
    const mirror = await etcd.mirror({ prefix: "behind/" });
    const atLive: (string | undefined)[] = [];
    mirror.on("state", (state) => {
      if (state === "live") atLive.push(mirror.get("behind/a")?.text());
    });
    for (let round = 1; round <= 5; round += 1) {
      proxy.refuse();
      await expect.poll(() => mirror.state).toBe("stale");
      await writer.put("behind/a", String(round));
      if (round % 2 === 0) await writer.delete("behind/b");
      else await writer.put("behind/b", "x");
      proxy.accept();
      await expect.poll(() => mirror.state, { timeout: 10_000 }).toBe("live");
    }
    expect(atLive).toEqual(Array.from({ length: 5 }, (_, index) => String(index + 1)));
    await mirror.close();
  });

  it("lists again where the history is compacted, tells only what is different, and is not live in between", async () => {
    for (const key of ["same", "changed", "gone"]) await writer.put(`gap/${key}`, "1");
    const mirror = await etcd.mirror({ prefix: "gap/" });
    const told = record(mirror);
    proxy.refuse();
    await expect.poll(() => mirror.state).toBe("stale");
    const since = mirror.staleSince;
    await writer.put("gap/changed", "2");
    await writer.put("gap/changed", "3");
    await writer.delete("gap/gone");
    await writer.put("gap/brief", "1");
    await writer.delete("gap/brief");
    await writer.put("gap/new", "1");
    await compactNow();
    const { revision } = await writer.put("elsewhere", "");
    const seen: unknown[] = [];
    mirror.on("state", (state) => seen.push([state, mirror.staleSince, contentOf(mirror)]));
    mirror.on("change", () => seen.push([mirror.state, mirror.staleSince]));
    proxy.accept();
    await expect.poll(() => mirror.state, { timeout: 10_000 }).toBe("live");
    expect(seen).toEqual([
      ["stale", since],
      ["live", undefined, { "gap/changed": "3", "gap/new": "1", "gap/same": "1" }],
    ]);
    expect(told.changes.length).toBe(1);
    expect(told.changes[0]?.revision).toBe(revision);
    expect(
      told.changes[0]?.changes.map(({ type, key, kv, previous }) => [
        type,
        key,
        kv?.text(),
        previous?.text(),
      ]),
    ).toEqual([
      ["delete", "gap/gone", undefined, "1"],
      ["put", "gap/changed", "3", "1"],
      ["put", "gap/new", "1", undefined],
    ]);
    const after = await writer.put("gap/same", "2");
    await expect.poll(() => mirror.revision).toBe(after.revision);
    await mirror.close();
  });

  it("tells nothing where nothing became different behind the compaction", async () => {
    await writer.put("quiet/a", "1");
    const mirror = await etcd.mirror({ prefix: "quiet/" });
    const told = record(mirror);
    proxy.refuse();
    await expect.poll(() => mirror.state).toBe("stale");
    for (let index = 0; index < 10; index += 1) await compactNow();
    proxy.accept();
    await expect.poll(() => mirror.state, { timeout: 10_000 }).toBe("live");
    expect(told.changes).toEqual([]);
    await mirror.close();
  });

  it("lists again where the store was emptied and begins anew", async () => {
    for (let index = 0; index < 20; index += 1) await writer.put(`anew/${index % 2}`, `${index}`);
    const mirror = await etcd.mirror({ prefix: "anew/" });
    const told = record(mirror);
    proxy.refuse();
    await using empty = await startEtcd();
    await using fresh = new EtcdClient({ endpoints: empty.endpoints });
    await fresh.put("anew/1", "fresh");
    proxy.retarget(empty.endpoint);
    proxy.accept();
    await expect.poll(() => contentOf(mirror), { timeout: 10_000 }).toEqual({ "anew/1": "fresh" });
    await expect.poll(() => mirror.state).toBe("live");
    expect(told.changes.length).toBe(1);
    const { revision } = await fresh.put("anew/2", "more");
    await expect.poll(() => mirror.revision).toBe(revision);
    await mirror.close();
  });

  it("never shows what was not there, through cuts and compactions at random", async () => {
    const random = randomFrom(7);
    const mirror = Mirror.start(etcd, { prefix: "random/" });
    const told = record(mirror);
    const writing = new AbortController();
    const write = (async () => {
      for (let index = 0; !writing.signal.aborted; index += 1) {
        const key = `random/${Math.floor(random() * 20)}`;
        if (random() < 0.3) await writer.delete(key);
        else await writer.put(key, `${index}`);
        if (random() < 0.05) await compactNow();
      }
    })();
    for (let round = 0; round < 15; round += 1) {
      await delay(random() * 150);
      proxy.cut();
    }
    writing.abort();
    await write;
    const { kvs } = await writer.range({ prefix: "random/" });
    const truth = sorted(kvs.map((kv) => [kv.key, kv.text()] as const));
    await expect.poll(() => contentOf(mirror), { timeout: 10_000 }).toEqual(truth);
    expect(told.state()).toEqual(truth);
    const revisions = told.changes.map(({ revision }) => revision);
    expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => (a < b ? -1 : 1)));
    await mirror.close();
  });
});

describe("ready()", () => {
  it("names why, when the time is over, and the mirror goes on trying", async () => {
    proxy.refuse();
    const mirror = Mirror.start(etcd, "a");
    const error: unknown = await mirror.ready({ timeoutMs: 1500 }).catch((each: unknown) => each);
    expect(error).toMatchObject({ code: "UNAVAILABLE", cause: { code: "UNAVAILABLE" } });
    expect((error as Error).message).toContain(proxy.endpoint);
    expect(mirror.state).toBe("loading");
    await expect(etcd.mirror("a", { timeoutMs: 1500 })).rejects.toMatchObject({ code: "UNAVAILABLE" });
    proxy.accept();
    await mirror.ready({ timeoutMs: 10_000 });
    expect(mirror.state).toBe("live");
    await mirror.close();
  });

  it("ends by its signal, with the reason", async () => {
    proxy.refuse();
    const mirror = Mirror.start(etcd, "a");
    const stop = new AbortController();
    const waiting = mirror.ready({ signal: stop.signal });
    const reason = new Error("enough");
    stop.abort(reason);
    await expect(waiting).rejects.toMatchObject({ code: "ABORTED", cause: reason });
    await mirror.close();
  });
});
