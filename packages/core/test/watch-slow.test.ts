import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { EtcdClient, type WatchBatch } from "@quorumkit/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTcpProxy, type TcpProxy } from "./support/tcp-proxy.ts";
import { collect, watchStreamCount } from "./support/watching.ts";

let server: EtcdServer;
let proxy: TcpProxy;
let writer: EtcdClient;
beforeAll(async () => {
  server = await startEtcd();
  proxy = await startTcpProxy(server.endpoint);
  writer = new EtcdClient({ endpoints: server.endpoints });
});
afterAll(async () => {
  await writer.close();
  await proxy.close();
  await server.close();
});

/** Bytes of values that are still referred to. Garbage is collected first, or the number would be a matter of luck. */
function bytesHeld(): number {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

const VALUE = Buffer.alloc(64 * 1024, "v");

async function putMany(prefix: string, count: number, value: Uint8Array = VALUE): Promise<bigint> {
  let revision = 0n;
  for (let index = 0; index < count; index += 1)
    ({ revision } = await writer.put(`${prefix}${index}`, value));
  return revision;
}

function textOf(batches: readonly WatchBatch[]): string[] {
  return batches.flatMap(({ events }) => events.map(({ key }) => key));
}

describe("a reader that stops", () => {
  it(
    "stops the stream, does not fill memory, holds nobody up, and gets everything once in the end",
    { timeout: 60_000 },
    async () => {
      await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
      const { revision: start } = await writer.put("slow/start", "");
      const slow = etcd.watch({ prefix: "slow/" }, { startRevision: start, bufferSize: 16 });
      const fast = etcd.watch({ prefix: "slow/" }, { startRevision: start });
      let fastEvents = 0;
      const fastDone = (async () => {
        for await (const { events } of fast) if ((fastEvents += events.length) === 1 + 800) return;
      })();
      await Promise.all([slow.ready(), fast.ready()]);

      // The reader takes a little now and then, and so comes onto a stream of its own; then it stops for good.
      const iterator = slow[Symbol.asyncIterator]();
      const seen: WatchBatch[] = [];
      const readUntil = async (count: number): Promise<void> => {
        while (textOf(seen).length < count) {
          const next = await iterator.next();
          if (next.done === true) throw new Error("the watch ended");
          seen.push(next.value);
        }
      };
      await putMany("slow/a/", 200);
      await readUntil(60);
      const before = bytesHeld();
      const end = await putMany("slow/b/", 600);
      // 37 MiB have been written for the slow one; the fast one has them all.
      await fastDone;
      // What the fast one has read goes in a moment, what is kept for the slow one would stay.
      await expect.poll(() => bytesHeld() - before, { timeout: 5_000 }).toBeLessThan(8 * 1024 * 1024);

      await readUntil(801);
      const keys = [
        "slow/start",
        ...Array.from({ length: 200 }, (_, i) => `slow/a/${i}`),
        ...Array.from({ length: 600 }, (_, i) => `slow/b/${i}`),
      ];
      expect(textOf(seen)).toEqual(keys);
      expect(seen.at(-1)?.revision).toBe(end);
      await slow.close();
    },
  );

  it("takes no more from the network than its buffer and the flow-control window hold", async () => {
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    const { revision: start } = await writer.put("window/start", "");
    const slow = etcd.watch({ prefix: "window/" }, { startRevision: start, bufferSize: 2 });
    const iterator = slow[Symbol.asyncIterator]();
    const seen: WatchBatch[] = [];
    const read = async (): Promise<void> => {
      const next = await iterator.next();
      if (next.done === true) throw new Error("the watch ended");
      seen.push(next.value);
    };
    // Held once and read empty: from then on it has a stream of its own, on which it fills up again.
    await slow.ready();
    await putMany("window/a/", 10, Buffer.from("small"));
    while (textOf(seen).length < 11) await read();
    await putMany("window/b/", 10, Buffer.from("small"));

    const before = proxy.bytes.answers;
    await putMany("window/c/", 400);
    // Of 25 MiB only what the windows let through: 64 KiB for the stream, and what etcd's own buffers round it up to.
    expect(proxy.bytes.answers - before).toBeLessThan(1024 * 1024);
    while (textOf(seen).length < 421) await read();
    expect(new Set(textOf(seen)).size).toBe(421);
    expect(proxy.bytes.answers - before).toBeGreaterThan(25 * 1024 * 1024);
    await slow.close();
  });

  it("goes on where it was although the stream breaks while it is held", async () => {
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    const { revision: start } = await writer.put("held/start", "");
    const slow = etcd.watch({ prefix: "held/" }, { startRevision: start, bufferSize: 4 });
    const other = collect(etcd.watch({ prefix: "held/" }, { startRevision: start }));
    const iterator = slow[Symbol.asyncIterator]();
    const seen: WatchBatch[] = [];
    let end = 0n;
    for (let round = 0; round < 12; round += 1) {
      end = await putMany(`held/${round}/`, 10, Buffer.from("small"));
      proxy.cut();
      const { value } = await iterator.next();
      if (value !== undefined) seen.push(value);
    }
    while (seen.at(-1)?.revision !== end) {
      const { value } = await iterator.next();
      if (value === undefined) break;
      seen.push(value);
    }
    await expect.poll(() => other.revision()).toBe(end);
    expect(textOf(seen)).toEqual(textOf(other.batches));
    expect(textOf(seen).length).toBe(121);
    await slow.close();
  });

  it("may leave in any state: held, about to go on, or on its own stream", async () => {
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const { revision: start } = await putMany("leave/", 50, Buffer.from("small")).then(async () =>
      writer.put("leave/x", ""),
    );
    const begin = start - 50n;
    for (const reads of [0, 1, 2, 3, 5, 8, 13]) {
      const watcher = etcd.watch({ prefix: "leave/" }, { startRevision: begin, bufferSize: 2 });
      await watcher.ready();
      const iterator = watcher[Symbol.asyncIterator]();
      for (let index = 0; index < reads; index += 1) {
        const { done } = await iterator.next();
        if (done === true) throw new Error("the watch ended");
        await writer.put("leave/x", `${index}`);
      }
      await watcher.close();
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
    }
    await expect.poll(async () => watchStreamCount(server)).toBe(0);
  });
});
