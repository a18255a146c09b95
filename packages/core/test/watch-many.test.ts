import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { EtcdClient, type Watcher } from "@quorumkit/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collect, randomFrom, watcherCount, watchStreamCount } from "./support/watching.ts";

let server: EtcdServer;
beforeAll(async () => {
  server = await startEtcd();
});
afterAll(async () => {
  await server.close();
});

const SEED = 20_240_607;
const TOTAL = 10_000;
const KEYS = 100;

describe("10,000 watches on one stream", { timeout: 120_000 }, () => {
  it("are created and cancelled in random order; those left get their events, and the server keeps no other", async () => {
    const random = randomFrom(SEED);
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const { revision } = await etcd.put("many/start", "");
    const alive: { watcher: Watcher; key: string }[] = [];
    let created = 0;
    while (created < TOTAL) {
      // Some are cancelled while they wait for their turn, some while they are being created, some when they are live.
      if (alive.length > 0 && random() < 0.45) {
        const [gone] = alive.splice(Math.floor(random() * alive.length), 1);
        await gone?.watcher.close();
      } else {
        const key = `many/${Math.floor(random() * KEYS)}`;
        alive.push({ watcher: etcd.watch(key, { startRevision: revision + 1n }), key });
        created += 1;
      }
      const look = random();
      if (look < 0.1) await new Promise(setImmediate);
      else if (look < 0.103) await alive.at(-1)?.watcher.ready({ timeoutMs: 30_000 });
    }
    await Promise.all(alive.map(async ({ watcher }) => watcher.ready({ timeoutMs: 60_000 })));
    expect(alive.length).toBeGreaterThan(500);
    await expect.poll(async () => watcherCount(server)).toBe(alive.length);
    await expect.poll(async () => watchStreamCount(server)).toBe(1);

    const seen = alive.map(({ watcher }) => collect(watcher));
    const written = new Map<string, string>();
    for (let index = 0; index < KEYS; index += 1) {
      const put = await etcd.put(`many/${index}`, `${index}`);
      written.set(`many/${index}`, `${put.revision} put many/${index} ${index}`);
    }
    for (const [index, { key }] of alive.entries()) {
      await expect.poll(() => seen[index]?.lines(), { timeout: 20_000 }).toEqual([written.get(key)]);
    }

    // Half of the rest, in random order again; the last one takes the stream with it.
    for (const { watcher } of alive.toSorted(() => random() - 0.5)) await watcher.close();
    await expect.poll(async () => watcherCount(server), { timeout: 10_000 }).toBe(0);
    await expect.poll(async () => watchStreamCount(server)).toBe(0);
  });

  it("end with the client in a moment", async () => {
    const etcd = new EtcdClient({ endpoints: server.endpoints });
    const watchers = Array.from({ length: TOTAL }, (_, index) =>
      etcd.watch(`many/${index % KEYS}`, { startRevision: 1n }),
    );
    const seen = watchers.map(collect);
    await watchers[1000]?.ready({ timeoutMs: 30_000 });
    const began = performance.now();
    await etcd.close();
    const ends = await Promise.all(seen.map(async ({ ended }) => ended));
    expect(performance.now() - began).toBeLessThan(5000);
    for (const end of ends) expect(end).toMatchObject({ code: "CLOSED" });
    await expect.poll(async () => watcherCount(server), { timeout: 10_000 }).toBe(0);
  });
});
