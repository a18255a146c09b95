import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { type EtcdClient, isEtcdError, op } from "@quorumkit/core";
import { checkWatch, formatVerdict } from "@quorumkit/testing/history";
import { vi } from "vitest";
import { Chronicle, insist } from "./chronicle.ts";
import { matches } from "./recording.ts";
import { Reader } from "./reader.ts";
import { KEYS, type Step } from "./steps.ts";

/** The etcd of a run, and what can happen to it. */
export interface World {
  /** Writes and looks up what happened, on a way of its own to the server. */
  readonly direct: EtcdClient;
  /** The clients whose watches are judged, on the way that faults befall. */
  readonly watching: readonly EtcdClient[];
  readonly faults: readonly (() => Promise<void> | void)[];
  /** Ends all faults. */
  heal(): Promise<void>;
}

let runs = 0;

/**
 * Does the steps, lets everything arrive, and judges each watch by the nine guarantees. `history` is how many revisions
 * there are beforehand; watches then begin up to that far back. Gives the number of batches that were judged.
 */
export async function run(world: World, steps: readonly Step[], history = 0): Promise<number> {
  const { direct, watching, faults } = world;
  const prefix = `run/${(runs += 1)}/`;
  const begin = (await insist(() => direct.put("elsewhere", ""))).revision;
  const chronicle = new Chronicle(direct, prefix, begin);
  const readers: Reader[] = [];
  const asking: Promise<void>[] = [];
  const leases: bigint[] = [];
  let head = begin;
  let count = 0;
  const name = (key: string): string => `${prefix}${key}`;
  /** What fails may have been done or not: the chronicle will tell. */
  const write = async (call: () => Promise<{ readonly revision: bigint }>): Promise<void> => {
    try {
      head = (await call()).revision;
    } catch (error) {
      if (!isEtcdError(error)) throw error;
    }
  };
  const put = (key: string, lease?: bigint): ReturnType<typeof op.put> =>
    op.put(name(key), `${(count += 1)}`, lease === undefined ? {} : { lease });

  try {
    for (let written = 0; written < history; written += 100) {
      const puts = Array.from({ length: 100 }, (_, index) => put(KEYS[index % KEYS.length] ?? ""));
      const results = await Promise.all(puts.map(async (each) => direct.txn().then(each).commit()));
      head = results.reduce((highest, { revision }) => (revision > highest ? revision : highest), head);
    }
    for (const step of steps) {
      switch (step.do) {
        case "put":
          await write(() => direct.put(name(step.key), `${(count += 1)}`, { timeoutMs: 1_000 }));
          break;
        case "delete":
          await write(() => direct.delete(name(step.key), { timeoutMs: 1_000 }));
          break;
        case "clear":
          await write(() => direct.delete({ prefix: name(step.prefix) }, { timeoutMs: 1_000 }));
          break;
        case "txn": {
          const deletes = step.deletes.filter((key) => !step.puts.includes(key));
          const ops = [...step.puts.map((key) => put(key)), ...deletes.map((key) => op.delete(name(key)))];
          await write(() =>
            direct
              .txn()
              .then(...ops)
              .commit({ timeoutMs: 1_000 }),
          );
          break;
        }
        case "lease": {
          const ttlSeconds = step.expires ? 1 : 60;
          await write(async () => {
            const { id } = await direct.leases.grant({ ttlSeconds, timeoutMs: 1_000 });
            if (!step.expires) leases.push(id);
            const ops = step.keys.map((key) => put(key, id));
            return direct
              .txn()
              .then(...ops)
              .commit({ timeoutMs: 1_000 });
          });
          break;
        }
        case "revoke": {
          const lease = leases.shift();
          if (lease !== undefined) await direct.leases.revoke(lease).catch(() => {});
          break;
        }
        case "elsewhere":
          await write(() => direct.put("elsewhere", "", { timeoutMs: 1_000 }));
          break;
        case "compact":
          await chronicle.compact();
          break;
        case "watch": {
          const { range } = step;
          const back = BigInt(step.back) * (history === 0 ? 1n : BigInt(history) / 30n);
          const startRevision = head - back < begin ? begin + 1n : head - back + 1n;
          const named = "key" in range ? { key: name(range.key) } : { prefix: name(range.prefix) };
          const etcd = watching[readers.length % watching.length] as EtcdClient;
          readers.push(new Reader(etcd, { ...step, range: named, startRevision }));
          break;
        }
        case "move":
          await readers[step.who % readers.length]?.moveTo(
            watching[(step.who + 1) % watching.length] as EtcdClient,
          );
          break;
        case "progress":
          asking.push(readers[step.who % readers.length]?.askProgress() ?? Promise.resolve());
          break;
        case "fault":
          await faults[step.which % faults.length]?.();
          break;
        case "wait":
          await delay(step.ms);
          break;
      }
    }
    await world.heal();
    // A last event for every watch, whatever it is of and whatever it filters.
    await insist(() =>
      direct
        .txn()
        .then(...KEYS.map((key) => put(key)))
        .commit(),
    );
    await insist(() => direct.delete({ prefix }));
    await chronicle.catchUp();
    const { log } = chronicle;
    for (const reader of readers) {
      const last = log.changes.findLast((each) => matches(reader.options, each))?.revision ?? 0n;
      await arrives(reader, last);
    }
    const recordings = readers.flatMap((reader) =>
      reader.recordings.map((recording) => ({ ...recording, name: `a watch of ${describe(reader)}` })),
    );
    const verdict = checkWatch(recordings, log);
    assert(verdict.ok, formatVerdict("watches", verdict));
    return recordings.reduce((sum, { batches }) => sum + batches.length, 0);
  } finally {
    await world.heal();
    await Promise.all(readers.map(async (each) => each.close()));
    await Promise.all(asking);
  }
}

/** Waits until a watch has everything up to `last`, for as long as it gets on: a slow one may have thousands to go. */
async function arrives(reader: Reader, last: bigint): Promise<void> {
  while (reader.revision < last) {
    const before = reader.revision;
    await vi.waitFor(
      () => {
        assert.ifError(reader.failure);
        assert(
          reader.revision > before,
          `a watch of ${describe(reader)} stays at ${before}, short of ${last}`,
        );
      },
      { timeout: 30_000, interval: 10 },
    );
  }
  assert.ifError(reader.failure);
}

function describe({ options }: Reader): string {
  return JSON.stringify(options, (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value));
}
