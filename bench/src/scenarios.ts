import { setTimeout as sleep } from "node:timers/promises";
import { EtcdClient } from "@quorumkit/core";
import type { Contender } from "./contender.ts";

/** What one run of a scenario has measured; higher is better. */
export interface Measurement {
  /** In {@link Scenario.unit}. */
  readonly value: number;
  /** CPU time of the client's process, in ms. */
  readonly cpuMs: number;
  /** Resident memory of the client's process at the end, in MiB. */
  readonly memoryMiB: number;
}

export interface Scenario {
  readonly name: string;
  readonly unit: string;
  /** The least ratio to reach, by peer. */
  readonly targets: Readonly<Partial<Record<"etcd3" | "grpc-js", number>>>;
  run(contender: Contender, seed: Seed): Promise<Measurement>;
}

/** What stands in etcd before the scenarios run. */
export interface Seed {
  readonly endpoint: string;
  /** `bench/key/0` … */
  readonly keys: number;
  /** Where each {@link replay} begins, by its number of events in a revision. */
  readonly replayFrom: Readonly<Record<ReplayDensity, bigint>>;
  /** Distinguishes runs, for keys written. */
  readonly run: number;
}

const VALUE = "x".repeat(64);
const WARM_UP_MS = 500;
const RUN_MS = 2_000;

/** Keeps `inFlight` calls under way for a while; calls per second. */
async function load(inFlight: number, call: (index: number) => Promise<unknown>): Promise<Measurement> {
  let calls = 0;
  let until = performance.now() + WARM_UP_MS;
  let index = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < until) {
      await call(index++);
      calls += 1;
    }
  };
  const lanes = async (): Promise<void> => {
    await Promise.all(Array.from({ length: inFlight }, lane));
  };
  await lanes();
  calls = 0;
  return measured(async () => {
    const start = performance.now();
    until = start + RUN_MS;
    await lanes();
    return (calls / (performance.now() - start)) * 1000;
  });
}

async function measured(run: () => Promise<number>): Promise<Measurement> {
  const before = process.cpuUsage();
  const value = await run();
  const { user, system } = process.cpuUsage(before);
  return { value, cpuMs: (user + system) / 1000, memoryMiB: process.memoryUsage.rss() / 2 ** 20 };
}

function get(inFlight: number, targets: Scenario["targets"]): Scenario {
  return {
    name: `get, ${inFlight === 1 ? "one at a time" : `${inFlight} in flight`}`,
    unit: "calls/s",
    targets,
    run: async (contender, { keys }) =>
      load(inFlight, async (index) => contender.get(`bench/key/${index % keys}`)),
  };
}

function put(inFlight: number, targets: Scenario["targets"]): Scenario {
  return {
    name: `put, ${inFlight === 1 ? "one at a time" : `${inFlight} in flight`}`,
    unit: "calls/s",
    targets,
    run: async (contender, { keys }) =>
      load(inFlight, async (index) => contender.put(`bench/key/${index % keys}`, VALUE)),
  };
}

/** Events in one revision. */
export type ReplayDensity = "1" | "10";
export const REPLAY_EVENTS = 100_000;

/** The prefix that has {@link REPLAY_EVENTS} events. */
export function replayPrefix(density: ReplayDensity): string {
  return `bench/replay/${density}/`;
}

/**
 * etcd replays 1,000 revisions in an answer and then waits 100 ms. With one event in each the client idles for most of the
 * ten seconds, and V8, which then returns memory in full collections, costs more than what is measured; with ten it works.
 */
function replay(density: ReplayDensity, targets: Scenario["targets"]): Scenario {
  return {
    name: `watch replay, ${density === "1" ? "1 event" : `${density} events`} in a revision`,
    unit: "events per CPU second",
    targets,
    run: async (contender, { replayFrom }) => {
      const replayed = async (startRevision: bigint, events: number): Promise<void> =>
        new Promise((resolve, reject) => {
          let seen = 0;
          contender
            .watch(replayPrefix(density), startRevision, (count) => {
              seen += count;
              if (seen >= events) resolve();
            })
            .catch(reject);
        });
      const from = replayFrom[density];
      // As the other scenarios, it begins with code that is compiled and a connection that is up.
      const warmUp = REPLAY_EVENTS / 10;
      await replayed(from + BigInt((REPLAY_EVENTS - warmUp) / Number(density)), warmUp);
      const { cpuMs, memoryMiB } = await measured(async () => {
        await replayed(from, REPLAY_EVENTS);
        return 0;
      });
      return { value: (REPLAY_EVENTS / cpuMs) * 1000, cpuMs, memoryMiB };
    },
  };
}

const WATCHERS = 1_000;
const NEWS = 50;

const fanOut: Scenario = {
  name: `${WATCHERS} watchers on one key`,
  unit: "events per CPU second",
  targets: {},
  run: async (contender, { run }) => {
    const key = `bench/fan-out/${run}`;
    let seen = 0;
    let all: () => void = () => {};
    const done = new Promise<void>((resolve) => (all = resolve));
    for (let index = 0; index < WATCHERS; index += 1) {
      await contender.watch(key, 0n, (count) => {
        seen += count;
        if (seen >= WATCHERS * NEWS) all();
      });
    }
    const { cpuMs, memoryMiB } = await measured(async () => {
      for (let index = 0; index < NEWS; index += 1) await contender.put(key, VALUE);
      await done;
      return 0;
    });
    return { value: ((WATCHERS * NEWS) / cpuMs) * 1000, cpuMs, memoryMiB };
  },
};

const LEASES = 10_000;
const KEPT_MS = 20_000;

const keepAlives: Scenario = {
  name: `${LEASES} leases kept alive`,
  unit: `leases per CPU second, over ${KEPT_MS / 1000} s`,
  targets: {},
  run: async (contender, { endpoint }) => {
    const kept: bigint[] = [];
    let left = LEASES;
    const lanes = Array.from({ length: 64 }, async () => {
      while (left-- > 0) kept.push(await contender.keepLease());
    });
    await Promise.all(lanes);
    const { cpuMs, memoryMiB } = await measured(async () => {
      await sleep(KEPT_MS);
      return 0;
    });
    // Longer than the TTL: who does not renew has none left.
    await using etcd = new EtcdClient({ endpoints: endpoint, timeoutMs: 60_000 });
    const living = new Set(await etcd.leases.list());
    const lost = kept.filter((id) => !living.has(id)).length;
    if (lost > 0) throw new Error(`${lost} of ${LEASES} leases were lost`);
    return { value: (LEASES / cpuMs) * 1000, cpuMs, memoryMiB };
  },
};

export const SCENARIOS: readonly Scenario[] = [
  get(1, { etcd3: 1, "grpc-js": 0.95 }),
  put(1, { etcd3: 1, "grpc-js": 0.95 }),
  get(64, { etcd3: 7, "grpc-js": 5 }),
  put(64, { etcd3: 7, "grpc-js": 5 }),
  get(512, { etcd3: 15, "grpc-js": 10 }),
  put(512, { etcd3: 15, "grpc-js": 10 }),
  replay("10", { etcd3: 2 }),
  replay("1", {}),
  fanOut,
  keepAlives,
];
