import { EtcdClient, isEtcdError, type KeyValue } from "@quorumkit/core";
import { EmbeddedEtcd } from "@quorumkit/testing";
import { describe, expect, it } from "vitest";
import { answerOf } from "./support/answer-of.ts";
import { startOneEtcd } from "./support/one-etcd.ts";
import { rpcsOpen } from "./support/rpc-count.ts";
import { startTcpProxy } from "./support/tcp-proxy.ts";

const { server, etcd, newName } = await startOneEtcd("recipes-queue");

const texts = (items: readonly KeyValue[]): string[] => items.map((each) => each.text());
const keys = async (name: string): Promise<string[]> =>
  (await etcd.range({ prefix: name })).kvs.map(({ key }) => key);

/** Both queues are consumed in the same way. */
const kinds = {
  queue: (client: EtcdClient, name: string) => {
    const queue = client.queue(name);
    return { enqueue: queue.enqueue.bind(queue), dequeue: queue.dequeue.bind(queue) };
  },
  priorityQueue: (client: EtcdClient, name: string) => {
    const queue = client.priorityQueue(name);
    return {
      enqueue: async (value: string) => queue.enqueue(value, 7),
      dequeue: queue.dequeue.bind(queue),
    };
  },
};

describe.each(["queue", "priorityQueue"] as const)("a %s", (kind) => {
  const open = kinds[kind];

  it("gives items in the order they came, and waits for one while there is none", async () => {
    const name = newName();
    const { enqueue, dequeue } = open(etcd, name);
    for (const each of ["a", "b", "c"]) await enqueue(each);
    expect(texts([await dequeue(), await dequeue(), await dequeue()])).toEqual(["a", "b", "c"]);
    expect(await keys(`${name}/`)).toEqual([]);
    const waiting = dequeue();
    // A neighbour's item is none of this queue.
    await etcd.put(`${name}-other/1`, "no");
    await enqueue("d");
    expect((await waiting).text()).toBe("d");
    expect(await keys(`${name}/`)).toEqual([]);
  });

  it("gives each item to exactly one of many consumers, of many producers", async () => {
    const { enqueue, dequeue } = open(etcd, newName());
    const got: string[] = [];
    const consumers = Array.from({ length: 8 }, async () => {
      for (let index = 0; index < 10; index += 1) got.push((await dequeue()).text());
    });
    const wanted = Array.from({ length: 80 }, (_, index) => `item ${index}`);
    const producers = [0, 1, 2, 3].map(async (nth) => {
      for (const each of wanted.slice(nth * 20, nth * 20 + 20)) await enqueue(each);
    });
    await Promise.all([...producers, ...consumers]);
    expect(got.toSorted()).toEqual(wanted.toSorted());
  });

  it("gives up waiting by signal and by time, and takes no item then", async () => {
    const name = newName();
    const { enqueue, dequeue } = open(etcd, name);
    const ended = new AbortController();
    const aborted = answerOf(dequeue({ signal: ended.signal }));
    await expect.poll(async () => rpcsOpen(server, "Watch")).toBeGreaterThan(0);
    ended.abort();
    expect(await aborted).toBe("ABORTED");
    expect(await answerOf(dequeue({ timeoutMs: 50 }))).toBe("TIMEOUT");
    await enqueue("kept");
    expect(await answerOf(dequeue({ signal: AbortSignal.abort() }))).toBe("ABORTED");
    expect(await keys(`${name}/`)).toHaveLength(1);
  });

  it("ends a wait when its client, or its namespace, is closed", async () => {
    const client = new EtcdClient({ endpoints: server.endpoints });
    const inside = client.namespace("recipes-ns/");
    const [outer, inner] = [open(client, newName()).dequeue(), open(inside, newName()).dequeue()];
    const [outerEnd, innerEnd] = [answerOf(outer), answerOf(inner)];
    await inside.close();
    expect(await innerEnd).toBe("CLOSED");
    await client.close();
    expect(await outerEnd).toBe("CLOSED");
  });

  it("misses no item that comes between the look and the watch, nor while the watch is cut off", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using client = new EtcdClient({ endpoints: proxy.endpoint });
    const name = newName();
    const { enqueue } = open(etcd, name);
    const { dequeue } = open(client, name);
    for (let round = 0; round < 20; round += 1) {
      const waiting = dequeue();
      if (round % 2 === 0) proxy.cut();
      await enqueue(`${round}`);
      expect((await waiting).text()).toBe(`${round}`);
    }
  });

  it("waits on when its watch was cut off and the history compacted", async () => {
    await using embedded = await EmbeddedEtcd.start({ quiet: true });
    await using client = new EtcdClient({ endpoints: embedded.endpoints });
    const { enqueue, dequeue } = open(client, "q");
    await client.put("other", "1");
    const waiting = dequeue();
    await expect.poll(() => embedded.dropStreams("Watch")).toBeGreaterThan(0);
    for (let index = 0; index < 5; index += 1) await client.put("other", "2");
    embedded.compact();
    await enqueue("late");
    expect((await waiting).text()).toBe("late");
  });

  it("misses no item that came before its watch", async () => {
    await using embedded = await EmbeddedEtcd.start({ quiet: true });
    await using client = new EtcdClient({ endpoints: embedded.endpoints });
    const held = embedded.hold("Range");
    const taking = open(client, "q").dequeue();
    await held.reached();
    await client.put("q/00007/0000000000000000", "between");
    held.release();
    expect((await taking).text()).toBe("between");
  });

  it("keeps to its namespace", async () => {
    const name = newName();
    const inside = etcd.namespace("recipes-ns/");
    const { enqueue, dequeue } = open(inside, name);
    await enqueue("in there");
    expect(await keys(`recipes-ns/${name}/`)).toHaveLength(1);
    expect(await answerOf(open(etcd, name).dequeue({ timeoutMs: 50 }))).toBe("TIMEOUT");
    const item = await dequeue();
    expect(item.key.startsWith(`${name}/`)).toBe(true);
    expect(item.text()).toBe("in there");
  });

  it("that loses the answer to a dequeue says so, once, and what it has taken can be read", async () => {
    await using embedded = await EmbeddedEtcd.start({ quiet: true });
    await using client = new EtcdClient({ endpoints: embedded.endpoints });
    const { enqueue, dequeue } = open(client, "q");
    await enqueue("first");
    await enqueue("second");
    embedded.failCall("Txn", { after: true, details: "transport is closing" });
    const error: unknown = await dequeue().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: "unknown" });
    const told = /(q\/\S+) may have been taken.*revision (\d+)/.exec(isEtcdError(error) ? error.message : "");
    const [key = "", revision = ""] = told?.slice(1) ?? [];
    expect((await client.get(key, { revision: BigInt(revision) }))?.text()).toBe("first");
    expect((await dequeue()).text()).toBe("second");
    expect((await client.range({ prefix: "q/" })).count).toBe(0n);
  });

  it("that loses a dequeue on its way takes the item all the same", async () => {
    await using embedded = await EmbeddedEtcd.start({ quiet: true });
    await using client = new EtcdClient({ endpoints: embedded.endpoints });
    const { enqueue, dequeue } = open(client, "q");
    await enqueue("first");
    // etcd does not do it, but nobody here can know.
    const failing = embedded.failCall("Txn", { details: "transport is closing" });
    expect((await dequeue()).text()).toBe("first");
    expect(failing.failed).toBe(1);
    expect((await client.range({ prefix: "q/" })).count).toBe(0n);
  });

  it("that loses a dequeue twice says so, and does not try for ever", async () => {
    await using embedded = await EmbeddedEtcd.start({ quiet: true });
    await using client = new EtcdClient({ endpoints: embedded.endpoints });
    const { enqueue, dequeue } = open(client, "q");
    await enqueue("first");
    const failing = embedded.failCall("Txn", { times: 2, details: "transport is closing" });
    expect(await answerOf(dequeue())).toBe("unknown");
    expect(failing.failed).toBe(2);
    expect((await dequeue()).text()).toBe("first");
  });

  it("that is aborted while an item is being taken gives it", async () => {
    await using embedded = await EmbeddedEtcd.start({ quiet: true });
    await using client = new EtcdClient({ endpoints: embedded.endpoints });
    const { enqueue, dequeue } = open(client, "q");
    await enqueue("first");
    const held = embedded.hold("Txn");
    const ended = new AbortController();
    const taking = dequeue({ signal: ended.signal });
    await held.reached();
    ended.abort();
    held.release();
    expect((await taking).text()).toBe("first");
  });

  it("that loses the answer to an enqueue says so, and has the item once", async () => {
    await using embedded = await EmbeddedEtcd.start({ quiet: true });
    await using client = new EtcdClient({ endpoints: embedded.endpoints });
    const { enqueue } = open(client, "q");
    embedded.failCall("Txn", { after: true, details: "transport is closing" });
    expect(await answerOf(enqueue("once"))).toBe("unknown");
    expect((await client.range({ prefix: "q/" })).count).toBe(1n);
  });

  it("refuses what is wrong", async () => {
    expect(() => open(etcd, "")).toThrow(/name must be a non-empty string, received ""/);
    const { dequeue } = open(etcd, newName());
    await expect(dequeue({ timeoutMs: 0 })).rejects.toThrow(TypeError);
    await expect(dequeue({ wait: true } as object)).rejects.toThrow(/dequeue: unknown option "wait"/);
    const wrong = { signal: 1 } as object;
    await expect(etcd.queue("a").enqueue("b", wrong)).rejects.toThrow(/signal must be an AbortSignal/);
    await expect(etcd.priorityQueue("a").enqueue("b", 1, wrong)).rejects.toThrow(TypeError);
    for (const priority of [-1, 65_536, 1.5, undefined as unknown as number]) {
      await expect(etcd.priorityQueue("a").enqueue("b", priority)).rejects.toThrow(
        /priority must be a whole number between 0 and 65535, received/,
      );
    }
  });
});

describe("the keys of Go's recipes", () => {
  it("are those of a queue, whose items are taken by age and not by name", async () => {
    const name = newName();
    const { key, revision } = await etcd.queue(name).enqueue(Buffer.from([0, 255]));
    expect(key).toMatch(new RegExp(`^${name}/\\d{19}$`));
    await etcd.put(`${name}/1763701234567890123`, "of Go");
    expect(await etcd.get(key)).toMatchObject({ createRevision: revision, lease: 0n });
    const first = await etcd.queue(name).dequeue();
    expect(first.key).toBe(key);
    expect([...first.value]).toEqual([0, 255]);
    expect((await etcd.queue(name).dequeue()).text()).toBe("of Go");
  });

  it("are those of a priority queue, with a key beside them that producers take turns by", async () => {
    const name = newName();
    const queue = etcd.priorityQueue(name);
    await queue.enqueue("low", 65_535);
    await queue.enqueue("high", 3);
    await etcd.put(`${name}/00003/0000000000000041`, "of Go");
    expect((await queue.enqueue("behind", 3)).key).toBe(`${name}/00003/0000000000000042`);
    expect(await keys(name)).toEqual([
      `${name}/00003/0000000000000000`,
      `${name}/00003/0000000000000041`,
      `${name}/00003/0000000000000042`,
      `${name}/65535/0000000000000000`,
    ]);
    expect(await keys(`__${name}`)).toEqual([`__${name}/00003`, `__${name}/65535`]);
    const items = [];
    for (let index = 0; index < 4; index += 1) items.push(await queue.dequeue());
    expect(texts(items)).toEqual(["high", "of Go", "behind", "low"]);
    await etcd.put(`${name}/00003/x`, "");
    expect(await answerOf(queue.enqueue("no", 3))).toBe("FAILED_PRECONDITION");
  });
});
