import { setTimeout as delay } from "node:timers/promises";
import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { EtcdClient, isEtcdError, op } from "@quorumkit/core";
import { describe, expect, it } from "vitest";
import { collect, history, randomFrom } from "./support/watching.ts";
import { startTcpProxy } from "./support/tcp-proxy.ts";

/** Writes, deletes and transactions without end over a few keys, whatever happens to the server. */
function startWriter(endpoint: string, prefix: string, seed: number): { stop(): Promise<void> } {
  const random = randomFrom(seed);
  const etcd = new EtcdClient({ endpoints: endpoint, timeoutMs: 500 });
  const keyOf = (): string => `${prefix}${Math.floor(random() * 8)}`;
  const stopped = new AbortController();
  const run = async (): Promise<void> => {
    for (let count = 0; !stopped.signal.aborted; count += 1) {
      const kind = random();
      const key = keyOf();
      try {
        if (kind < 0.7) await etcd.put(key, `${count}`);
        else if (kind < 0.85) await etcd.delete(key);
        else {
          const ops = [op.put(`${prefix}x`, `${count}`), op.put(`${prefix}y`, `${count}`), op.delete(key)];
          await etcd
            .txn()
            .then(...ops)
            .commit();
        }
      } catch (error) {
        if (!isEtcdError(error)) throw error;
        await delay(20);
      }
    }
    await etcd.close();
  };
  const running = run();
  return {
    stop: async () => {
      stopped.abort();
      await running;
    },
  };
}

/** Writes one last key below the prefix, trying until it is certainly in, and gives its revision. */
async function mark(etcd: EtcdClient, key: string): Promise<bigint> {
  for (;;) {
    try {
      return (await etcd.put(key, "end")).revision;
    } catch (error) {
      if (!isEtcdError(error, "UNAVAILABLE", "TIMEOUT", "NO_LEADER")) throw error;
    }
  }
}

/** Watches while `disturb` runs, and compares with what really happened; gives the number of events. */
async function runWatched(
  server: EtcdServer,
  watched: EtcdClient,
  disturb: () => Promise<void>,
  seed: number,
): Promise<number> {
  await using direct = new EtcdClient({ endpoints: server.endpoints });
  const start = (await direct.put("w/start", `${seed}`)).revision;
  const prefix = `w/${seed}/`;
  const whole = Array.from({ length: 10 }, () =>
    collect(watched.watch({ prefix }, { startRevision: start + 1n, prevKv: true })),
  );
  const single = Array.from({ length: 8 }, (_, index) =>
    collect(watched.watch(`${prefix}${index}`, { startRevision: start + 1n })),
  );
  const writers = [
    startWriter(server.endpoint, prefix, seed),
    startWriter(server.endpoint, prefix, seed + 1),
  ];
  await disturb();
  await Promise.all(writers.map(async (each) => each.stop()));

  const last = await mark(direct, `${prefix}end`);
  for (let index = 0; index < 8; index += 1) await mark(direct, `${prefix}${index}`);
  const end = (await direct.range({ prefix }, { countOnly: true })).revision;
  for (const seen of whole) await expect.poll(() => seen.revision(), { timeout: 15_000 }).toBe(end);
  for (const [index, seen] of single.entries()) {
    const kv = await direct.get(`${prefix}${index}`);
    await expect.poll(() => seen.revision(), { timeout: 15_000 }).toBe(kv?.modRevision);
  }

  const truth = await history(direct, prefix, start, end);
  expect(last).toBeLessThanOrEqual(end);
  for (const seen of whole) {
    expect(seen.lines()).toEqual(truth);
    const revisions = seen.batches.map(({ revision }) => revision);
    expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => (a < b ? -1 : 1)));
    const puts = seen.batches.flatMap(({ events }) => events).filter(({ type }) => type === "put");
    expect(puts.filter(({ prevKv, isCreate }) => isCreate !== (prevKv === undefined))).toEqual([]);
  }
  for (const [index, seen] of single.entries()) {
    expect(seen.lines()).toEqual(truth.filter((line) => line.split(" ")[2] === `${prefix}${index}`));
  }
  return truth.length;
}

describe("many watchers lose nothing and get nothing twice", () => {
  it.each([11, 22, 33])("while etcd is killed and restarted (seed %i)", { timeout: 90_000 }, async (seed) => {
    const random = randomFrom(seed);
    await using server = await startEtcd();
    await using watched = new EtcdClient({ endpoints: server.endpoints });
    const disturb = async (): Promise<void> => {
      for (let round = 0; round < 3; round += 1) {
        await delay(random() * 400);
        await server.kill();
        await delay(random() * 300);
        await server.restart();
      }
      await delay(200);
    };
    expect(await runWatched(server, watched, disturb, seed)).toBeGreaterThan(50);
  });

  it.each([44, 55, 66])(
    "while the connection is cut again and again (seed %i)",
    { timeout: 60_000 },
    async (seed) => {
      const random = randomFrom(seed);
      await using server = await startEtcd();
      await using proxy = await startTcpProxy(server.endpoint);
      await using watched = new EtcdClient({ endpoints: proxy.endpoint });
      const disturb = async (): Promise<void> => {
        for (let round = 0; round < 40; round += 1) {
          await delay(random() * 60);
          proxy.cut();
        }
      };
      expect(await runWatched(server, watched, disturb, seed)).toBeGreaterThan(50);
    },
  );
});
