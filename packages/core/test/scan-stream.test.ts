import { EtcdClient } from "@quorumkit/core";
import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { answerOf } from "./support/answer-of.ts";
import { rpcCount, rpcsOpen } from "./support/rpc-count.ts";
import { isAtLeast } from "./support/server-version.ts";
import { startTcpProxy } from "./support/tcp-proxy.ts";

const KEYS = 2500;

let server: EtcdServer;
let writer: EtcdClient;
let hasStream: boolean;
beforeAll(async () => {
  // Pieces are made to fit this, so that a stream has many and cannot be read ahead to its end.
  server = await startEtcd({ args: ["--max-request-bytes=131072"] });
  hasStream = isAtLeast(server, "3.7");
  writer = new EtcdClient({ endpoints: server.endpoints });
  for (let first = 0; first < KEYS; first += 20) {
    await writer.putAll(Array.from({ length: 20 }, (_, index) => [name(first + index), "v".repeat(4096)]));
  }
});
afterAll(async () => {
  await writer.close();
  await server.close();
});

// A client of its own for each: what a member lacks is remembered by client.
let etcd: EtcdClient;
beforeEach(() => {
  etcd = new EtcdClient({ endpoints: server.endpoints });
});
afterEach(async () => {
  await etcd.close();
});

const name = (index: number): string => `scan/${String(index).padStart(5, "0")}`;
const ALL = Array.from({ length: KEYS }, (_, index) => name(index));
const RANGE = { prefix: "scan/" };

/** What a scan cost the server. */
async function cost(scan: () => Promise<void>): Promise<{ ranges: number; streams: number }> {
  const count = async (): Promise<readonly number[]> =>
    Promise.all(["Range", "RangeStream"].map(async (method) => rpcCount(server, method)));
  const [rangesBefore = 0, streamsBefore = 0] = await count();
  await scan();
  const [ranges = 0, streams = 0] = await count();
  return { ranges: ranges - rangesBefore, streams: streams - streamsBefore };
}

describe("a scan", () => {
  it("gives all keys once and in order, as a stream where the server has it and as pages where not", async () => {
    const keys: string[] = [];
    let bytes = 0;
    const first = await cost(async () => {
      for await (const kv of etcd.scan(RANGE, { pageSize: 100 })) {
        keys.push(kv.key);
        bytes += kv.value.length;
      }
    });
    expect(keys).toEqual(ALL);
    expect(bytes).toBe(KEYS * 4096); // far more than one answer of grpc-js' 4 MiB would hold
    expect(first.ranges).toBe(hasStream ? 1 : KEYS / 100);
    // An old server is asked once, and the metric of a method it does not have stays 0.
    expect(first.streams).toBe(hasStream ? 1 : 0);
  });

  it("asks a server that has no streams for one only once", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using through = new EtcdClient({ endpoints: proxy.endpoint });
    const calls: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const before = proxy.calls;
      for await (const _ of through.pages(RANGE, { pageSize: 500 }));
      calls.push(proxy.calls - before);
    }
    // A range and the stream; or five ranges, and at first the question.
    expect(calls).toEqual(hasStream ? [2, 2, 2] : [6, 5, 5]);
  });

  it("costs one range where that is all", async () => {
    const pages: number[] = [];
    const whole = await cost(async () => {
      for await (const { kvs } of etcd.pages(RANGE, { pageSize: KEYS })) pages.push(kvs.length);
    });
    expect([pages, whole]).toEqual([[KEYS], { ranges: 1, streams: 0 }]);
    const left = await cost(async () => {
      for await (const { kvs } of etcd.pages(RANGE, { pageSize: 1 })) {
        expect(kvs).toHaveLength(1);
        break;
      }
    });
    expect(left).toEqual({ ranges: 1, streams: 0 });
  });

  it("is of one revision, whatever is written meanwhile, and obeys its options", async () => {
    const { revision } = await writer.put("other", "x");
    const revisions = new Set<bigint>();
    const keys: string[] = [];
    for await (const page of etcd.pages(
      { from: name(100), to: name(900) },
      { pageSize: 50, keysOnly: true },
    )) {
      expect(page.kvs.length).toBeLessThanOrEqual(50);
      for (const kv of page.kvs) expect(kv.value).toHaveLength(0);
      revisions.add(page.revision);
      keys.push(...page.kvs.map(({ key }) => key));
      if (keys.length < 200) await writer.put(`${name(899)}-inserted`, "late");
    }
    await writer.delete(`${name(899)}-inserted`);
    expect(keys).toEqual(ALL.slice(100, 900));
    expect([...revisions]).toEqual([revision]);
    // The same at that revision, asked for later.
    const again: string[] = [];
    for await (const kv of etcd.scan({ from: name(100), to: name(900) }, { pageSize: 50, revision }))
      again.push(kv.key);
    expect(again).toEqual(keys);
  });

  it("ends where its reader leaves it, also in the middle of a stream", async () => {
    for (let round = 0; round < 3; round += 1) {
      let seen = 0;
      for await (const _ of etcd.scan(RANGE, { pageSize: 10 })) {
        seen += 1;
        if (seen === 500) break;
      }
      expect(seen).toBe(500);
    }
    await expect.poll(async () => rpcsOpen(server, "RangeStream")).toBe(0);
  });

  it("is taken up behind the last key when the connection breaks in the middle", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using through = new EtcdClient({ endpoints: proxy.endpoint });
    const keys: string[] = [];
    const cuts = [100, 700, 1_900];
    let revision: bigint | undefined;
    for await (const page of through.pages(RANGE, { pageSize: 20 })) {
      revision ??= page.revision;
      expect(page.revision).toBe(revision);
      keys.push(...page.kvs.map(({ key }) => key));
      if (keys.length < (cuts[0] ?? KEYS)) continue;
      cuts.shift();
      proxy.cut();
    }
    expect(keys).toEqual(ALL);
  });

  it("says that its revision is compacted, and does not wait for ever on a server that hangs", async () => {
    const { revision } = await writer.put("compacted", "1");
    const pages = etcd.pages(RANGE, { pageSize: 10, revision })[Symbol.asyncIterator]();
    await pages.next();
    await writer.put("compacted", "2");
    await writer.compact(revision + 1n, { physical: true });
    const rest = async (): Promise<void> => {
      while ((await pages.next()).done !== true);
    };
    await expect(rest()).rejects.toMatchObject({ code: "COMPACTED" });

    await using own = await startEtcd();
    await using client = new EtcdClient({ endpoints: own.endpoints });
    await client.putAll([
      ["a", "1"],
      ["b", "2"],
      ["c", "3"],
    ]);
    const hanging = client.pages({ from: "" }, { pageSize: 1, timeoutMs: 600 })[Symbol.asyncIterator]();
    await hanging.next();
    await own.pause();
    const startedAt = performance.now();
    // Which of the two is a matter of how many members there are to try.
    expect(await answerOf(hanging.next())).toMatch(/^(TIMEOUT|UNAVAILABLE)$/);
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    await own.resume();
  });

  it("ends with the caller's reason, and with the client", async () => {
    const stop = new AbortController();
    const aborted = async (): Promise<void> => {
      for await (const { kvs } of etcd.pages(RANGE, { pageSize: 10, signal: stop.signal }))
        if (kvs[0]?.key !== name(0)) stop.abort(new Error("enough"));
    };
    await expect(aborted()).rejects.toMatchObject({ code: "ABORTED", cause: new Error("enough") });
    const pages = etcd.pages(RANGE, { pageSize: 10 })[Symbol.asyncIterator]();
    await pages.next();
    await pages.next();
    await etcd.close();
    const rest = async (): Promise<void> => {
      while ((await pages.next()).done !== true);
    };
    await expect(rest()).rejects.toMatchObject({ code: "CLOSED" });
  });
});
