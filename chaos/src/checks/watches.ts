import {
  checkWatch,
  type TrueLog as WatchLog,
  type WatchChange,
  type WatchedBatch,
  type WatchRecording,
} from "@quorumkit/testing/history";
import type { TrueLog } from "../log/true-log.ts";
import type { SeenChange } from "../work/watches.ts";
import type { Evidence, WatchNote } from "./evidence.ts";
import { type Finding, finding, fromVerdict } from "./finding.ts";

/** What watches delivered, over all processes they lived through, beside what etcd itself told. */
export function checkWatches({ watches, log }: Evidence): Finding[] {
  const recordings: WatchRecording[] = [];
  const wrongEnds: string[] = [];
  for (const [worker, notes] of watches) {
    const reader = new Recordings(worker);
    for (const note of notes) reader.take(note);
    recordings.push(...reader.recordings);
    wrongEnds.push(...reader.wrongEnds);
  }
  const invariant = "watches are ordered, unique, complete and atomic";
  return [
    fromVerdict(invariant, checkWatch(recordings, toWatchLog(log))),
    finding("watches end only where history is gone", recordings.length, wrongEnds),
  ];
}

/** One recording goes on through all processes; only behind a compaction another one begins. */
class Recordings {
  readonly recordings: (WatchRecording & { readonly batches: WatchedBatch[] })[] = [];
  readonly wrongEnds: string[] = [];
  readonly #worker: string;
  #position = 0;

  constructor(worker: string) {
    this.#worker = worker;
  }

  take(note: WatchNote): void {
    if (note.op === "batch") {
      this.recordings.at(-1)?.batches.push({
        revision: BigInt(note.revision),
        changes: note.changes.map(toChange),
      });
      this.#position = note.revision;
      return;
    }
    const { process, prefix, from, filters, prevKv } = note;
    if (from === undefined) return;
    if (from <= this.#position)
      this.wrongEnds.push(
        `${process} was told that ${from} is compacted, and was at ${this.#position} already`,
      );
    const request = { range: { prefix }, startRevision: BigInt(from), prevKv, filters };
    this.recordings.push({ name: `${prefix} of ${this.#worker} from ${from}`, request, batches: [] });
  }
}

function toChange(seen: SeenChange): WatchChange {
  const [type, key, revision, value, isCreate, previousRevision, previousValue = ""] = seen;
  const previous =
    previousRevision === undefined
      ? undefined
      : { value: previousValue, modRevision: BigInt(previousRevision) };
  return { type, key, revision: BigInt(revision), value, isCreate, previous };
}

function toWatchLog(log: TrueLog): WatchLog {
  const last = new Map<string, WatchChange["previous"]>();
  const changes: WatchChange[] = [];
  for (const { revision: number, events } of log.entries) {
    const revision = BigInt(number);
    for (const { type, key, value, version } of events) {
      changes.push({ type, key, revision, value, isCreate: version === 1, previous: last.get(key) });
      if (type === "put") last.set(key, { value, modRevision: revision });
      else last.delete(key);
    }
  }
  return { changes, until: BigInt(log.until), compacted: BigInt(log.compacted) };
}
