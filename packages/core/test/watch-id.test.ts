import { EtcdClient, type WatchOptions } from "@quorumkit/core";
import { EmbeddedEtcd, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collect, history, watchStreamCount } from "./support/watching.ts";
import { WatchRelay } from "./support/watch-relay.ts";

/** For a busy machine. */
const PATIENT = { timeout: 15_000 };

interface Server extends AsyncDisposable {
  readonly endpoints: readonly string[];
}

describe.each<{ kind: string; start: () => Promise<Server> }>([
  { kind: "etcd", start: async () => startEtcd() },
  { kind: "the embedded etcd", start: async () => EmbeddedEtcd.start({ quiet: true }) },
])("a watch with an id of its own, on $kind", ({ start }) => {
  let server: Server;
  let writer: EtcdClient;
  beforeAll(async () => {
    server = await start();
    writer = new EtcdClient({ endpoints: server.endpoints });
  });
  afterAll(async () => {
    await writer.close();
    await server[Symbol.asyncDispose]();
  });

  /** A client whose watch streams are noted. Begin watches with a revision: the relay knows no other call. */
  async function noted(): Promise<{ relay: WatchRelay; etcd: EtcdClient }> {
    const { relay, url } = await WatchRelay.start(server.endpoints[0] as string);
    return { relay, etcd: new EtcdClient({ endpoints: url }) };
  }

  it("has it on the wire, again after each reconnect, and misses and repeats nothing", async () => {
    const { relay, etcd } = await noted();
    const { revision } = await writer.put("id/begin", "");
    const app = etcd.namespace("id/");
    const watcher = app.watch({ prefix: "" }, { startRevision: revision, watchId: 77n });
    const seen = collect(watcher);
    let last = revision;
    for (let nth = 0; nth < 3; nth += 1) {
      await expect.poll(() => relay.streams.length, PATIENT).toBe(nth + 1);
      await expect.poll(() => seen.revision(), PATIENT).toBe(last);
      relay.cut();
      ({ revision: last } = await writer.put(`id/${nth}`, "x"));
    }
    await expect.poll(() => seen.revision(), PATIENT).toBe(last);
    expect(seen.lines()).toEqual(
      (await history(writer, "id/", revision - 1n, last)).map((line) => line.replace("id/", "")),
    );
    const one = { asked: [77n], created: [77n] };
    expect(relay.streams).toEqual([one, one, one, one]);
    await watcher.close();
    await etcd.close();
    await relay[Symbol.asyncDispose]();
  });

  it("is alone on its stream, so that it meets no id the server has given, nor one used before", async () => {
    const { relay, etcd } = await noted();
    const { revision: startRevision } = await writer.put("alone/begin", "");
    const watch = (options: WatchOptions = {}): ReturnType<typeof collect> & { close(): Promise<void> } => {
      const watcher = etcd.watch({ prefix: "alone/" }, { startRevision, ...options });
      return { ...collect(watcher), close: async () => watcher.close() };
    };
    const plain = [watch(), watch(), watch()];
    const numbered = [watch({ watchId: 1n }), watch({ watchId: 2n }), watch({ watchId: 3n })];
    const { revision } = await writer.put("alone/1", "x");
    for (const each of [...plain, ...numbered])
      await expect.poll(() => each.revision(), PATIENT).toBe(revision);
    // Given back, and taken again at once; and one more that the server numbers, which picks 3.
    await numbered[2]?.close();
    const again = watch({ watchId: 3n });
    const next = watch();
    const { revision: last } = await writer.put("alone/2", "y");
    for (const each of [...plain, again, next]) await expect.poll(() => each.revision(), PATIENT).toBe(last);
    const lines = await history(writer, "alone/", startRevision - 1n, last);
    for (const each of [...plain, ...numbered.slice(0, 2), again, next]) expect(each.lines()).toEqual(lines);
    const of = (id: bigint): { asked: bigint[]; created: bigint[] } => ({ asked: [id], created: [id] });
    const [shared] = relay.streams.filter(({ asked }) => asked.includes(0n));
    expect(shared).toEqual({ asked: [0n, 0n, 0n, 0n], created: [0n, 1n, 2n, 3n] });
    const others = relay.streams.filter((each) => each !== shared);
    expect(others.toSorted((a, b) => Number((a.asked[0] ?? 0n) - (b.asked[0] ?? 0n)))).toEqual(
      [1n, 2n, 3n, 3n].map(of),
    );
    await etcd.close();
    await relay[Symbol.asyncDispose]();
  });

  it("gets nothing of the watch that had its id before, however much that one was still due", async () => {
    const { relay, etcd } = await noted();
    const { revision: startRevision } = await writer.put("late/begin", "");
    // So that the stream of those without an id lives on all the time.
    await etcd.watch("late/other", { startRevision }).ready();
    const old = etcd.watch("late/old", { startRevision, watchId: 5n });
    await old.ready();
    // More than flow control lets through: etcd still has some of it when the watch ends, and sends it later.
    relay.hold();
    const value = "x".repeat(16 * 1024);
    for (let nth = 0; nth < 100; nth += 1) await writer.put("late/old", value);
    await old.close();
    const seen = collect(etcd.watch("late/new", { startRevision, watchId: 5n }));
    relay.release();
    const { revision } = await writer.put("late/new", "");
    await expect.poll(() => seen.revision(), PATIENT).toBe(revision);
    expect(seen.batches.flatMap(({ events }) => events.map(({ key }) => key))).toEqual(["late/new"]);
    await etcd.close();
    await relay[Symbol.asyncDispose]();
  });

  it("gets everything once although its reader is slow", async () => {
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const { revision: startRevision } = await writer.put("slow/0", "");
    const watcher = etcd.watch({ prefix: "slow/" }, { startRevision, watchId: 9n, bufferSize: 2 });
    for (let nth = 1; nth <= 40; nth += 1) await writer.put(`slow/${nth}`, "");
    const keys: string[] = [];
    for await (const { events } of watcher) {
      keys.push(...events.map(({ key }) => key));
      if (keys.length <= 5) await writer.put("other", "");
      if (keys.length >= 41) break;
    }
    expect(keys).toEqual(Array.from({ length: 41 }, (_, nth) => `slow/${nth}`));
  });

  it("refuses an id that an open watch of the client has, and gives it back however that one ends", async () => {
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const abort = new AbortController();
    const taken = /watchId must be one that no open watch has, received 4n/;
    const expectTaken = (): void => expect(() => etcd.watch("a", { watchId: 4n })).toThrow(taken);
    const closed = etcd.watch("a", { watchId: 4n });
    expectTaken();
    await closed.ready();
    expectTaken();
    await closed.close();
    const aborted = etcd.watch("a", { watchId: 4n, signal: abort.signal });
    expectTaken();
    abort.abort();
    expect(await collect(aborted).ended).toMatchObject({ code: "ABORTED" });
    const late = etcd.watch("a", { watchId: 4n, signal: abort.signal });
    expect(late.state).toBe("closed");
    const { revision } = await writer.put("a", "");
    await writer.compact(revision);
    const compacted = etcd.watch("a", { watchId: 4n, startRevision: 1n });
    expect(await collect(compacted).ended).toMatchObject({ code: "COMPACTED" });
    const last = etcd.watch("a", { watchId: 4n });
    await last.ready();
    // A namespace is a client of its own, with streams of its own.
    await etcd.namespace("n/").watch("a", { watchId: 4n }).ready();
    expectTaken();
  });
});

describe("a watch id", () => {
  it("is a bigint from 1n on, as etcd takes it", async () => {
    await using etcd = new EtcdClient({ endpoints: "http://127.0.0.1:1" });
    for (const watchId of [0n, -1n, 2n ** 63n, 7, "7", null])
      expect(() => etcd.watch("a", { watchId: watchId as bigint })).toThrow(
        /watchId must be a bigint between 1n and 2n \*\* 63n - 1n, received/,
      );
    await etcd.watch("a", { watchId: 2n ** 63n - 1n }).close();
  });

  it("leaves no stream behind", async () => {
    await using server = await startEtcd();
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const watchers = Array.from({ length: 50 }, (_, nth) => etcd.watch("a", { watchId: BigInt(nth + 1) }));
    await Promise.all(watchers.map(async (each) => each.ready()));
    expect(await watchStreamCount(server)).toBe(50);
    await Promise.all(watchers.map(async (each) => each.close()));
    await expect.poll(async () => watchStreamCount(server), PATIENT).toBe(0);
  });
});
