import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { EtcdClient, Mirror, type MirrorClient, op } from "@quorumkit/core";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { KeyValue } from "../src/kv/key-value.ts";

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
afterEach(() => void vi.restoreAllMocks());

/** What was done since: all that one can do with keys is to read them and to walk over the map that has them. */
interface Work {
  /** Properties of keys that were read. */
  reads: number;
  /** Keys that a walk over a map, such as to copy it, has come by. */
  steps: number;
  /** Reads from etcd. */
  calls: number;
}

const PROPERTIES = [
  "key",
  "keyBytes",
  "value",
  "createRevision",
  "modRevision",
  "version",
  "lease",
] as const satisfies readonly (keyof KeyValue)[];

function countWork(work: Work): void {
  for (const name of PROPERTIES) {
    // oxlint-disable-next-line typescript/unbound-method
    const getter = Object.getOwnPropertyDescriptor(KeyValue.prototype, name)?.get as () => unknown;
    vi.spyOn(KeyValue.prototype, name, "get").mockImplementation(function (this: KeyValue) {
      work.reads += 1;
      return getter.call(this) as never;
    });
  }
  const iterator = Object.getPrototypeOf(new Map().values()) as Iterator<unknown>;
  // oxlint-disable-next-line typescript/unbound-method
  const { next } = iterator;
  vi.spyOn(iterator, "next").mockImplementation(function (this: Iterator<unknown>) {
    const step = next.call(this);
    const { value } = step;
    if (value instanceof KeyValue || (Array.isArray(value) && value[1] instanceof KeyValue)) work.steps += 1;
    return step;
  });
}

/** The work of following `events` changes of a mirror that has `size` keys. */
async function workOf(size: number, events: number): Promise<Work> {
  const prefix = `cost/${size}/`;
  for (let first = 0; first < size; first += 100) {
    const puts = Array.from({ length: 100 }, (_, index) => op.put(`${prefix}${first + index}`, "1"));
    await etcd
      .txn()
      .then(...puts)
      .commit();
  }
  const work: Work = { reads: 0, steps: 0, calls: 0 };
  const client: MirrorClient = {
    timeoutMs: etcd.timeoutMs,
    range: async (range, options) => {
      work.calls += 1;
      return etcd.range(range, options);
    },
    pages: (range, options) => {
      work.calls += 1;
      return etcd.pages(range, options);
    },
    watch: (range, options) => {
      work.calls += 1;
      return etcd.watch(range, options);
    },
  };
  await using mirror = Mirror.start(client, { prefix });
  await mirror.ready();
  Object.assign(work, { reads: 0, steps: 0, calls: 0 });
  countWork(work);
  let told = 0;
  mirror.on("change", ({ changes }) => (told += changes.length));
  // One after the other, so that no two come at once.
  for (let index = 0; index < events; index += 1) {
    const key = `${prefix}${index % 10}`;
    if (index % 3 === 2) await etcd.delete(key);
    else await etcd.put(key, "2");
    await vi.waitFor(() => expect(told).toBe(index + 1), { interval: 1 });
  }
  vi.restoreAllMocks();
  return work;
}

describe("following a change", () => {
  it("costs a mirror of many keys what it costs one of few, and neither reads from etcd", async () => {
    const few = await workOf(100, 50);
    const many = await workOf(5_000, 50);
    expect(few.reads).toBeGreaterThan(50);
    expect(many).toEqual(few);
    expect(many).toMatchObject({ steps: 0, calls: 0 });
  });
});

describe("what a mirror keeps", () => {
  it("does not hold on to what came along with it, in a listing or in a change", async () => {
    const large = Buffer.alloc(500_000, "x");
    const both = (name: string): Promise<unknown> =>
      etcd
        .txn()
        .then(op.put("kept/large", large), op.put(`kept/${name}`, "1"))
        .commit();
    await both("listed");
    await using mirror = await etcd.mirror({ prefix: "kept/" });
    await both("followed");
    await expect.poll(() => mirror.size).toBe(3);
    for (const name of ["listed", "followed"]) {
      const kv = mirror.get(`kept/${name}`);
      expect(kv?.text()).toBe("1");
      expect(kv?.value.buffer.byteLength).toBeLessThan(64 * 1024);
      expect(kv?.keyBytes.buffer.byteLength).toBeLessThan(64 * 1024);
    }
    // Nor is it copied for nothing.
    expect(mirror.get("kept/large")?.value.buffer.byteLength).toBeGreaterThan(500_000);
  });
});
