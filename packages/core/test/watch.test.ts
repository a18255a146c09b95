import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { EtcdClient, op, type WatchBatch, type WatchOptions } from "@quorumkit/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collect, startEtcdTellingProgress } from "./support/watching.ts";

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

/** Reads until `count` events have come, then ends the watch. */
async function read(
  range: Parameters<EtcdClient["watch"]>[0],
  count: number,
  options: WatchOptions = {},
): Promise<WatchBatch[]> {
  const batches: WatchBatch[] = [];
  let events = 0;
  for await (const batch of etcd.watch(range, options)) {
    batches.push(batch);
    events += batch.events.length;
    if (events >= count) break;
  }
  return batches;
}

describe("what a watch delivers", () => {
  it("gives puts and deletes in the order of their revisions, from the call on", async () => {
    await etcd.put("order/before", "not seen");
    await using watcher = etcd.watch({ prefix: "order/" });
    await watcher.ready();
    const first = await etcd.put("order/a", "1");
    await etcd.put("order/b", "2");
    await etcd.put("order/a", "3");
    const last = await etcd.delete("order/a");
    const seen = collect(watcher);
    await expect.poll(() => seen.revision()).toBe(last.revision);
    const [r1, r2, r3, r4] = [0n, 1n, 2n, 3n].map((step) => first.revision + step);
    expect(seen.lines()).toEqual([
      `${r1} put order/a 1`,
      `${r2} put order/b 2`,
      `${r3} put order/a 3`,
      `${r4} delete order/a`,
    ]);
    const events = seen.batches.flatMap((batch) => batch.events);
    expect(events.map(({ isCreate }) => isCreate)).toEqual([true, true, false, false]);
    expect(events.map(({ key, prevKv }) => [key, prevKv])).toEqual([
      ["order/a", undefined],
      ["order/b", undefined],
      ["order/a", undefined],
      ["order/a", undefined],
    ]);
  });

  it("gives keys as they were before with prevKv", async () => {
    const { revision } = await etcd.put("prev/a", "1");
    await etcd.put("prev/a", "2");
    await etcd.delete("prev/a");
    const batches = await read("prev/a", 3, { startRevision: revision, prevKv: true });
    expect(batches.flatMap(({ events }) => events).map(({ prevKv }) => prevKv?.text())).toEqual([
      undefined,
      "1",
      "2",
    ]);
  });

  it("leaves out what is filtered", async () => {
    const { revision } = await etcd.put("filter/a", "1");
    await etcd.delete("filter/a");
    await etcd.put("filter/a", "2");
    await etcd.delete("filter/a");
    const typesWith = async (filters: readonly ("put" | "delete")[]): Promise<string[]> =>
      (await read("filter/a", 2, { startRevision: revision, filters })).flatMap(({ events }) =>
        events.map(({ type }) => type),
      );
    expect(await typesWith(["delete"])).toEqual(["put", "put"]);
    expect(await typesWith(["put"])).toEqual(["delete", "delete"]);
  });

  it("watches one key, a prefix, an interval, everything from a key on, and every key", async () => {
    const { revision } = await etcd.put("range/a", "");
    for (const key of ["range/b", "range/c", "rangf", "zzz"]) await etcd.put(key, "");
    const keysOf = async (range: Parameters<EtcdClient["watch"]>[0], count: number): Promise<string[]> =>
      (await read(range, count, { startRevision: revision })).flatMap(({ events }) =>
        events.map(({ key }) => key),
      );
    expect(await keysOf("range/b", 1)).toEqual(["range/b"]);
    expect(await keysOf({ prefix: "range/" }, 3)).toEqual(["range/a", "range/b", "range/c"]);
    expect(await keysOf({ from: "range/b", to: "rangf" }, 2)).toEqual(["range/b", "range/c"]);
    expect(await keysOf({ from: "range/c" }, 3)).toEqual(["range/c", "rangf", "zzz"]);
    expect(await keysOf({ prefix: "" }, 5)).toEqual(["range/a", "range/b", "range/c", "rangf", "zzz"]);
  });

  it("keeps keys and values that are not text", async () => {
    const key = new Uint8Array([0xff, 0, 0x80]);
    const { revision } = await etcd.put(key, new Uint8Array([0, 255]));
    const [batch] = await read({ prefix: new Uint8Array([0xff]) }, 1, { startRevision: revision });
    expect([...(batch?.events[0]?.kv.keyBytes ?? [])]).toEqual([...key]);
    expect([...(batch?.events[0]?.kv.value ?? [])]).toEqual([0, 255]);
  });

  it("waits for a revision that is still to come", async () => {
    const { revision } = await etcd.put("future/a", "1");
    const reading = read("future/a", 1, { startRevision: revision + 3n });
    for (const value of ["2", "3", "4"]) await etcd.put("future/a", value);
    const [batch] = await reading;
    expect(batch?.revision).toBe(revision + 3n);
    expect(batch?.events.map(({ kv }) => kv.text())).toEqual(["4"]);
  });

  it("delivers progress while nothing happens, where asked for", async () => {
    await using own = await startEtcdTellingProgress();
    await using client = new EtcdClient({ endpoints: own.endpoints });
    await using watcher = client.watch("progress/quiet", { startRevision: 1n, progressNotify: true });
    const seen = collect(watcher);
    const { revision } = await client.put("elsewhere", "");
    await expect.poll(() => seen.revision()).toBe(revision);
    expect(seen.lines()).toEqual([]);
    // And the position moved with it: from there on nothing is asked for again.
    const next = await client.put("progress/quiet", "");
    await expect.poll(() => seen.lines()).toEqual([`${next.revision} put progress/quiet `]);
  });
});

describe("batches", () => {
  it("never splits a revision, live or replayed", async () => {
    await using live = etcd.watch({ prefix: "txn/" });
    await live.ready();
    const revisions: bigint[] = [];
    for (let round = 0; round < 20; round += 1) {
      const puts = Array.from({ length: 100 }, (_, index) =>
        op.put(`txn/${String(index).padStart(3, "0")}`, `${round}`),
      );
      revisions.push(
        (
          await etcd
            .txn()
            .then(...puts)
            .commit()
        ).revision,
      );
    }
    const seen = collect(live);
    await expect.poll(() => seen.revision()).toBe(revisions.at(-1));
    const replayed = await read({ prefix: "txn/" }, 2000, { startRevision: revisions[0] as bigint });
    for (const batches of [seen.batches, replayed]) {
      for (const { events, revision } of batches) {
        expect(events.length % 100).toBe(0);
        expect(events.at(-1)?.kv.modRevision).toBe(revision);
      }
      expect(batches.flatMap(({ events }) => events.map(({ kv }) => kv.modRevision))).toEqual(
        revisions.flatMap((revision) => Array.from({ length: 100 }, () => revision)),
      );
    }
  });

  it("puts together answers that etcd cuts, beyond every message limit", async () => {
    const big = Buffer.alloc(1024 * 1024, "x");
    const { revision } = await etcd.put("big/0", big);
    for (let index = 1; index < 12; index += 1) await etcd.put(`big/${index}`, big, { prevKv: false });
    // With prevKv an event is twice its value: 2 MiB, more than a request may have, in one piece.
    const seen = await read({ prefix: "big/" }, 12, { startRevision: revision, prevKv: true });
    const events = seen.flatMap((batch) => batch.events);
    expect(events.map(({ key }) => key)).toEqual(Array.from({ length: 12 }, (_, index) => `big/${index}`));
    expect(events.every(({ kv }) => kv.value.equals(big))).toBe(true);

    // One revision whose events are several times larger than an answer may be: a delete of all of it, with what was.
    const deleted = await etcd.delete({ prefix: "big/" });
    const [batch] = await read({ prefix: "big/" }, 1, { startRevision: deleted.revision, prevKv: true });
    expect(batch?.events.length).toBe(12);
    expect(batch?.events.every(({ prevKv }) => prevKv?.value.length === big.length)).toBe(true);
  });

  it("replays thousands of revisions, each once", async () => {
    const { revision } = await etcd.put("replay/0", "0");
    const puts = Array.from({ length: 5000 }, async (_, index) =>
      etcd.put(`replay/${index % 50}`, `${index}`),
    );
    const written = (await Promise.all(puts)).map((put) => put.revision).toSorted((a, b) => (a < b ? -1 : 1));
    const batches = await read({ prefix: "replay/" }, 5001, { startRevision: revision });
    const seen = batches.flatMap(({ events }) => events.map(({ kv }) => kv.modRevision));
    expect(seen).toEqual([revision, ...written]);
  });
});

describe("options", () => {
  it("are refused by name", async () => {
    const refused = (options: object): unknown => {
      try {
        etcd.watch("a", options);
      } catch (error) {
        return error;
      }
      return undefined;
    };
    for (const [options, text] of [
      [{ startRevision: 0n }, /startRevision must be a bigint .*1n.*received 0n/],
      [{ startRevision: 5 }, /startRevision .*received 5/],
      [{ prevKv: 1 }, /prevKv must be a boolean/],
      [{ filters: "put" }, /filters must be an array/],
      [{ filters: ["puts"] }, /filters may hold "put" and "delete", received "puts"/],
      [{ bufferSize: 0 }, /bufferSize .*at least 1, received 0/],
      [{ bufferSize: 1.5 }, /bufferSize must be a whole number/],
      [{ signal: "now" }, /signal must be an AbortSignal/],
      [{ startRevison: 1n }, /unknown option "startRevison"/],
    ] as const) {
      const error = refused(options);
      expect(error).toBeInstanceOf(TypeError);
      expect((error as TypeError).message).toMatch(text);
    }
    expect(() => etcd.watch("")).toThrow(TypeError);
    expect(() => etcd.watch({ from: "b", to: "a" })).toThrow(TypeError);
    await using watcher = etcd.watch("a");
    await expect(watcher.ready({ timeout: 1 } as object)).rejects.toThrow(/unknown option "timeout"/);
    await expect(watcher.ready({ timeoutMs: 0 })).rejects.toThrow(/timeoutMs/);
  });

  it("allows one loop, and one next() at a time", async () => {
    await using watcher = etcd.watch("once");
    const iterator = watcher[Symbol.asyncIterator]();
    expect(() => watcher[Symbol.asyncIterator]()).toThrow(/can be read once/);
    const pending = iterator.next();
    await expect(iterator.next()).rejects.toThrow(/one reader/);
    await watcher.close();
    expect(await pending).toEqual({ done: true, value: undefined });
  });
});
