import { compare, EtcdClient, isEtcdError, type Leasing, op } from "@quorumkit/core";
import { type FaultProxy, startEtcd, startFaultProxy } from "@quorumkit/testing";
import {
  checkRegister,
  formatVerdict,
  type HistoryEvent,
  HistoryRecorder,
  type Pending,
} from "@quorumkit/testing/history";
import { expect, it } from "vitest";
import { randomFrom } from "./support/watching.ts";

const SEED = 20_261_121;
const RUN_MS = 10_000;
const KEYS = ["a", "b", "c", "d"];

/** One process: a cache behind a proxy of its own. */
interface Process {
  readonly client: EtcdClient;
  readonly cache: Leasing;
  readonly proxy: FaultProxy;
  readonly recorder: HistoryRecorder;
  readonly random: () => number;
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Reads all the time: from memory, most of it. */
async function read({ cache, recorder, random }: Process, over: () => boolean): Promise<number> {
  let owning = 0;
  while (!over()) {
    const key = pick(random);
    if (cache.size > 0) owning += 1;
    const pending = recorder.invoke("read", { key });
    await complete(pending, async () => (await cache.get(key, { timeoutMs: 300 }))?.text() ?? null);
    await pause(random() * 6);
  }
  return owning;
}

/** Changes a key now and then: seldom enough for the keys to have owners. */
async function write({ cache, recorder, random }: Process, over: () => boolean): Promise<void> {
  for (let number = 0; !over(); number += 1) {
    const key = pick(random);
    const value = `${key}${number} of ${Math.floor(random() * 1e9)}`;
    const options = { timeoutMs: 200 + random() * 4_000 };
    const what = random();
    if (what < 0.6) {
      const pending = recorder.invoke("write", { key, value });
      await complete(pending, async () => void (await cache.put(key, value, options)));
    } else if (what < 0.8) {
      const pending = recorder.invoke("write", { key, value: null });
      const range = what < 0.7 ? key : { from: key, to: `${key}0` };
      await complete(pending, async () => void (await cache.delete(range, options)));
    } else {
      const expected = await cache.get(key, options).then(
        (kv) => kv?.text(),
        () => undefined,
      );
      if (expected === undefined) continue;
      const pending = recorder.invoke("cas", { key, value: { expected, next: value } });
      const swap = cache.txn().if(compare(key).value.equals(expected)).then(op.put(key, value));
      await complete(pending, async () => (await swap.commit(options)).succeeded);
    }
    await pause(100 + random() * 900);
  }
}

function pick(random: () => number): string {
  return KEYS[Math.floor(random() * KEYS.length)] ?? "a";
}

async function complete(pending: Pending, call: () => Promise<unknown>): Promise<void> {
  try {
    pending.ok(await call());
  } catch (error) {
    if (!isEtcdError(error)) throw error;
    if (error.outcome === "unknown") pending.unknown();
    else pending.fail();
  }
}

async function breakThings({ proxy, random }: Process, over: () => boolean): Promise<void> {
  while (!over()) {
    await pause(200 + random() * 800);
    const how = random();
    if (how < 0.3) proxy.cut();
    else if (how < 0.5) proxy.delay("both", 20 + random() * 100);
    else if (how < 0.75) proxy.halfOpen();
    else proxy.hold();
    await pause(200 + random() * 3_500);
    proxy.heal();
  }
}

it("is linearizable, through cuts, dead connections and lost leases", { timeout: 60_000 }, async () => {
  await using server = await startEtcd();
  const lines: string[] = [];
  const processes = await Promise.all(
    ["p1", "p2", "p3"].map(async (name, index): Promise<Process> => {
      const proxy = await startFaultProxy(server);
      const client = new EtcdClient({ endpoints: proxy.endpoints });
      const cache = await client.leasing("own/", { ttlSeconds: 2 });
      const recorder = new HistoryRecorder({ process: name, write: (line) => void lines.push(line) });
      return { client, cache, proxy, recorder, random: randomFrom(SEED + index) };
    }),
  );
  const until = performance.now() + RUN_MS;
  const over = (): boolean => performance.now() > until;
  const working = processes.map(async (process, index) => {
    // The last one has a good connection, so that there is always somebody to write.
    const breaking = index < 2 ? [breakThings(process, over)] : [];
    const reading = Array.from({ length: 2 }, async () => read(process, over));
    await Promise.all([...breaking, write(process, over)]);
    return Promise.all(reading);
  });
  const owning = (await Promise.all(working)).flat();
  const verdict = checkRegister(lines.map((line) => JSON.parse(line) as HistoryEvent));
  expect(formatVerdict("leasing", verdict)).toMatch(/^leasing: ok, \d{4,} checked/);
  // Else it was about nothing but reads of etcd.
  expect(Math.min(...owning)).toBeGreaterThan(50);
  await Promise.all(processes.map(async ({ client }) => client.close()));
  await Promise.all(processes.map(async ({ proxy }) => proxy.close()));
});
