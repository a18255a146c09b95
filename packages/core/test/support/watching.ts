import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import type { EtcdClient, WatchBatch, Watcher } from "@quorumkit/core";
import { type Metered, sumOfMetric } from "./metrics.ts";

/** Everything a watcher delivers, as it comes; `ended` resolves with what its loop threw, or undefined. */
export interface Collected {
  readonly batches: WatchBatch[];
  readonly ended: Promise<unknown>;
  /** The deliveries as lines, see {@link linesOf}. */
  lines(): string[];
  /** Up to which revision everything was delivered. */
  revision(): bigint;
}

export function collect(watcher: Watcher): Collected {
  const batches: WatchBatch[] = [];
  const read = async (): Promise<unknown> => {
    try {
      for await (const batch of watcher) batches.push(batch);
      return undefined;
    } catch (error) {
      return error;
    }
  };
  return {
    batches,
    ended: read(),
    lines: () => linesOf(batches),
    revision: () => batches.at(-1)?.revision ?? 0n,
  };
}

/** One line per event, in the order of delivery; events of one revision, which have no order of their own, by key. */
function linesOf(batches: readonly WatchBatch[]): string[] {
  const byRevision: { revision: bigint; lines: string[] }[] = [];
  for (const { type, kv } of batches.flatMap(({ events }) => events)) {
    const line =
      type === "put" ? `${kv.modRevision} put ${kv.key} ${kv.text()}` : `${kv.modRevision} delete ${kv.key}`;
    const last = byRevision.at(-1);
    if (last?.revision === kv.modRevision) last.lines.push(line);
    else byRevision.push({ revision: kv.modRevision, lines: [line] });
  }
  return byRevision.flatMap(({ lines }) => lines.toSorted());
}

/**
 * What really happened to a prefix after revision `after`, up to and including `until`, in the form of {@link linesOf}.
 * Read without any watch: the store is looked at in every revision.
 */
export async function history(
  etcd: EtcdClient,
  prefix: string,
  after: bigint,
  until: bigint,
): Promise<string[]> {
  const lines: string[] = [];
  let before = new Set((await etcd.range({ prefix }, { revision: after })).kvs.map(({ key }) => key));
  for (let revision = after + 1n; revision <= until; revision += 1n) {
    const { kvs } = await etcd.range({ prefix }, { revision });
    const keys = new Set(kvs.map(({ key }) => key));
    const gone = [...before].filter((key) => !keys.has(key)).map((key) => `${revision} delete ${key}`);
    const put = kvs.filter((kv) => kv.modRevision === revision);
    lines.push(...[...gone, ...put.map((kv) => `${revision} put ${kv.key} ${kv.text()}`)].toSorted());
    before = keys;
  }
  return lines;
}

/** The number of watchers etcd says it has. */
export async function watcherCount(server: Metered): Promise<number> {
  return sumOfMetric(server, "etcd_debugging_mvcc_watcher_total");
}

/** The number of watch streams etcd says it has. */
export async function watchStreamCount(server: Metered): Promise<number> {
  return sumOfMetric(server, "etcd_debugging_mvcc_watch_stream_total");
}

/** A small random number generator with a seed (mulberry32), so that a failing run can be repeated. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An etcd that tells its watches every 200 ms how far they are, where others do every ten minutes. */
export async function startEtcdTellingProgress(): Promise<EtcdServer> {
  const flag = "watch-progress-notify-interval=200ms";
  // The flag is experimental before etcd 3.6, and its old name is gone in 3.7.
  return startEtcd({ args: [`--${flag}`] }).catch(async () =>
    startEtcd({ args: [`--experimental-${flag}`] }),
  );
}
