import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { EtcdClient, isEtcdError, type WatchBatch } from "@quorumkit/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Subscription } from "../src/watch/subscription.ts";
import { isOrdered } from "../src/watch/progress-trust.ts";
import { WatchHub } from "../src/watch/watch-hub.ts";
import { FakeWatchServer } from "./support/fake-watch-server.ts";
import { collect } from "./support/watching.ts";

let server: EtcdServer;
let etcd: EtcdClient;
beforeAll(async () => {
  server = await startEtcd();
  etcd = new EtcdClient({ endpoints: server.endpoints });
});
afterAll(async () => {
  await etcd.close();
  await server.close();
});

async function write(prefix: string, count: number, client: EtcdClient = etcd): Promise<bigint> {
  let revision = 0n;
  for (let index = 0; index < count; index += 1)
    ({ revision } = await client.put(`${prefix}${index}`, `${index}`));
  return revision;
}

describe("progress on demand", () => {
  it("is at least the store's revision, and everything before it has been delivered", async () => {
    const watcher = etcd.watch({ prefix: "p/" });
    const seen = collect(watcher);
    await watcher.ready();
    const began = (await etcd.put("elsewhere", "")).revision;
    for (let round = 0; round < 20; round += 1) {
      const revision = await write("p/", 5);
      const reached = await watcher.requestProgress();
      expect(reached).toBeGreaterThanOrEqual(revision);
      const expected = Array.from(
        { length: Number(reached - began) },
        (_, index) => began + BigInt(index) + 1n,
      );
      expect(seen.lines().map((line) => BigInt(line.split(" ")[0] ?? ""))).toEqual(expected);
    }
    await watcher.close();
    await expect(watcher.requestProgress()).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("comes for quiet watches, beside others, and as a batch where such are wanted", async () => {
    const quiet = etcd.watch("nothing");
    const told = etcd.watch("nothing", { progressNotify: true });
    const filtered = etcd.watch({ prefix: "some/" }, { filters: ["put"] });
    const watchers = [quiet, told, filtered];
    const seen = watchers.map(collect);
    await Promise.all(watchers.map(async (each) => each.ready()));
    const revision = await write("some/", 10);
    const reached = await Promise.all([quiet, told].map(async (each) => each.requestProgress()));
    for (const each of reached) expect(each).toBeGreaterThanOrEqual(revision);
    expect([seen[0]?.batches, seen[2]?.batches]).toEqual([[], []]);
    // A server before 3.4.25 and 3.5.8 has no word to be shown to the loop, nor one for a filtered watch.
    const ordered = isOrdered(server.version);
    await expect.poll(() => seen[1]?.batches).toEqual(ordered ? [{ events: [], revision }] : []);
    const ofFiltered = filtered.requestProgress({ timeoutMs: ordered ? 5_000 : 500 });
    const outcome = await ofFiltered.catch((error: unknown) => isEtcdError(error) && error.code);
    expect(outcome).toBe(ordered ? revision : "TIMEOUT");
    for (const each of watchers) await each.close();
  });

  it("ends by time and by signal, where the reader is too slow for the watch to be in sync", async () => {
    const { revision } = await etcd.put("slow/x", "");
    await write("slow/", 40);
    const watcher = etcd.watch({ prefix: "slow/" }, { startRevision: revision, bufferSize: 2 });
    await expect.poll(() => watcher.lag.ms).toBeGreaterThan(0);
    await write("slow/", 10);
    await expect(watcher.requestProgress({ timeoutMs: 400 })).rejects.toMatchObject({ code: "TIMEOUT" });
    const stop = new AbortController();
    const asking = watcher.requestProgress({ signal: stop.signal });
    setTimeout(() => stop.abort(new Error("enough")), 50);
    await expect(asking).rejects.toMatchObject({ code: "ABORTED" });
    const seen = collect(watcher);
    await watcher.requestProgress();
    await expect.poll(() => seen.lines().length).toBe(51);
    await watcher.close();
  });

  it("refuses what it does not know", async () => {
    const watcher = etcd.watch("a");
    await expect(watcher.requestProgress({ timeout: 5 } as object)).rejects.toThrow(
      /unknown option "timeout"/,
    );
    await expect(watcher.requestProgress({ timeoutMs: -5 })).rejects.toThrow(/timeoutMs/);
    await watcher.close();
  });

  it(
    "is found out by looking where the server's word cannot be trusted (etcd 3.4.23)",
    { timeout: 60_000 },
    async () => {
      // Not ETCD_BIN, which may name another one.
      await using old = await startEtcd({ version: "3.4", source: ["path", "cache", "release", "debian"] });
      await using client = new EtcdClient({ endpoints: old.endpoints });
      const watcher = client.watch({ prefix: "p/" }, { startRevision: 1n });
      const seen = collect(watcher);
      for (let round = 0; round < 5; round += 1) {
        const revision = await write("p/", 5, client);
        await client.delete("p/3");
        expect(await watcher.requestProgress()).toBeGreaterThan(revision);
        expect(seen.lines().length).toBe(6 * (round + 1));
      }
      await watcher.close();
    },
  );
});

describe("the versions whose word is good", () => {
  it.each([
    ["3.4.23", false],
    ["3.4.24", false],
    ["3.4.25", true],
    ["3.5.7", false],
    ["3.5.8", true],
    ["3.3.27", false],
    ["3.6.0-rc.1", true],
    ["3.10.0", true],
    ["4.0.0", true],
    ["", false],
    ["not one", false],
  ])("%s: %s", (version, ordered) => expect(isOrdered(version)).toBe(ordered));
});

describe("an answer for all watches that was made before a watch was", () => {
  it("is not taken for that watch's, however the server puts them in order", async () => {
    const fake = new FakeWatchServer();
    const hub = new WatchHub(fake.asConnection());
    for (let index = 0; index < 5; index += 1) fake.write([{ key: "a", deleted: false }]);
    const watch = (
      startRevision: bigint,
    ): { batches: WatchBatch[]; place: ReturnType<WatchHub["attach"]> } => {
      const batches: WatchBatch[] = [];
      const subscription = new Subscription(
        { range: { key: Buffer.from("a") }, startRevision, prevKv: false, filters: [] },
        {
          onLive: () => {},
          onInterrupted: () => {},
          onEnd: () => {},
          onBatch: (batch) => batches.push(batch),
        },
      );
      return { batches, place: hub.attach(subscription) };
    };
    const first = watch(fake.head + 1n);
    await expect.poll(() => fake.streams[0]?.inbox.length).toBe(1);
    const [stream] = fake.streams;
    stream?.readRequest();
    expect(await first.place.askProgress()).toBe("asked");
    const answer = stream?.readRequest();
    const second = watch(2n);
    stream?.readRequest();
    // It left the server before the second watch's confirmation, and overtook nothing: etcd has two queues.
    answer?.();
    expect(second.batches).toEqual([]);
    stream?.sendEvents(1, 10, 1);
    expect(second.batches.flatMap(({ events }) => events).length).toBe(5);
    // A later one counts for both, also with the store where it was.
    expect(await second.place.askProgress()).toBe("asked");
    stream?.readRequest()?.();
    await etcd.get("a");
    const third = watch(2n);
    stream?.readRequest();
    expect(await third.place.askProgress()).toBe("asked");
    stream?.sendEvents(2, 10, 1);
    expect(third.batches.flatMap(({ events }) => events).length).toBe(5);
  });
});

describe("the lag of a watch", () => {
  it("grows with what waits to be read, and is nothing when all is read", async () => {
    const watcher = etcd.watch({ prefix: "lag/" });
    expect(watcher.lag).toEqual({ revisions: 0n, ms: 0 });
    await watcher.ready();
    expect(watcher.lag).toEqual({ revisions: 0n, ms: 0 });
    await write("lag/", 7);
    await expect.poll(() => watcher.lag.revisions).toBe(7n);
    const { ms } = watcher.lag;
    expect(ms).toBeGreaterThan(0);
    await expect.poll(() => watcher.lag.ms).toBeGreaterThan(ms);
    const seen = collect(watcher);
    await expect.poll(() => seen.lines().length).toBe(7);
    expect(watcher.lag).toEqual({ revisions: 0n, ms: 0 });
    await watcher.close();
  });

  it("of a watch that replays is what is still to come, by the server's word", async () => {
    const { revision } = await etcd.put("replay/x", "");
    for (let round = 0; round < 15; round += 1) {
      await Promise.all(
        Array.from({ length: 100 }, async (_, index) => etcd.put(`replay/${index}`, `${round}`)),
      );
    }
    const watcher = etcd.watch({ prefix: "replay/" }, { startRevision: revision });
    const iterator = watcher[Symbol.asyncIterator]();
    // etcd replays at most 1000 revisions at a time.
    const { value } = await iterator.next();
    expect(watcher.lag.revisions).toBe(revision + 1500n - (value?.revision ?? 0n));
    expect(watcher.lag.revisions).toBeGreaterThan(400n);
    await watcher.close();
  });

  it("of a mirror is known while it is live", async () => {
    const mirror = await etcd.mirror({ prefix: "lag/" });
    expect(mirror.lag).toEqual({ revisions: 0n, ms: 0 });
    const revision = await write("lag/", 3);
    await expect.poll(() => mirror.revision).toBe(revision);
    expect(mirror.lag).toEqual({ revisions: 0n, ms: 0 });
    await mirror.close();
    expect(mirror.lag).toBeUndefined();
  });
});
