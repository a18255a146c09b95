import { isEtcdError, type Watcher, type WatchEvent, type WatchOptions } from "@quorumkit/core";
import { DATA, ROOT } from "../names.ts";
import { type Place, rest } from "./place.ts";

interface Reader {
  readonly prefix: string;
  readonly options: WatchOptions;
  /** Takes a long break after every so many batches; 0 for never. */
  readonly breakAfter: number;
}

/** Each worker watches in its own way. */
const READERS: readonly Reader[] = [
  { prefix: ROOT, options: {}, breakAfter: 0 },
  { prefix: DATA, options: { bufferSize: 4 }, breakAfter: 100 },
  { prefix: DATA, options: { progressNotify: true, prevKv: true }, breakAfter: 0 },
  { prefix: DATA, options: { filters: ["delete"] }, breakAfter: 0 },
];

const BREAK_MS = 1_000;

/** An event as it is written down: one line holds thousands. */
export type SeenChange = readonly [
  type: "put" | "delete",
  key: string,
  revision: string,
  value: string,
  isCreate: boolean,
  previousRevision?: string,
  previousValue?: string,
];

function toSeen({ type, key, kv, isCreate, prevKv }: WatchEvent): SeenChange {
  const revision = String(kv.modRevision);
  const seen = [type, key, revision, type === "put" ? kv.text() : "", isCreate] as const;
  return prevKv === undefined ? seen : [...seen, String(prevKv.modRevision), prevKv.text()];
}

/** A watch that writes down every batch. Another process of the same worker goes on where this one ended. */
export class Watch {
  readonly #place: Place;
  readonly #reader: Reader;
  #watched = 0;

  constructor(place: Place) {
    this.#place = place;
    this.#reader = READERS[place.index % READERS.length] as Reader;
  }

  /** Up to which revision everything has been delivered. */
  get watched(): number {
    return this.#watched;
  }

  async run(token: string | undefined): Promise<void> {
    const { etcd, journal, tally, stopping } = this.#place;
    const { prefix, options } = this.#reader;
    const { filters = [], prevKv = false } = options;
    let start: Pick<WatchOptions, "resumeToken" | "startRevision"> =
      token === undefined ? { startRevision: 1n } : { resumeToken: token };
    while (!stopping.aborted) {
      const from = start.startRevision === undefined ? undefined : Number(start.startRevision);
      journal.note("watch.begin", { key: prefix, value: { from, filters, prevKv } });
      const watcher = etcd.watch({ prefix }, { ...options, ...start, signal: stopping });
      watcher.on("state", (state) => {
        if (state === "interrupted") tally.add("watch interrupted");
      });
      try {
        await this.#read(watcher);
      } catch (error) {
        if (stopping.aborted) return;
        if (isEtcdError(error, "COMPACTED") && error.compactRevision !== undefined) {
          start = { startRevision: error.compactRevision };
          tally.add("watch compacted");
        } else {
          // A watch may end with nothing else in a cluster that is never restored from a backup.
          journal.note("alarm", { value: `the watch of ${prefix} ended with ${String(error)}` });
          await rest(1_000, stopping);
        }
      }
    }
  }

  async #read(watcher: Watcher): Promise<void> {
    const { journal, tally, stopping } = this.#place;
    let batches = 0;
    for await (const { events, revision } of watcher) {
      const changes = events.map(toSeen);
      this.#watched = Number(revision);
      const value = { revision: this.#watched, changes, token: watcher.resumeToken };
      journal.note("watch.batch", { key: this.#reader.prefix, value });
      tally.add("watch.batch");
      batches += 1;
      if (batches % this.#reader.breakAfter === 0) await rest(BREAK_MS, stopping);
    }
  }
}
