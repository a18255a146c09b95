import { type Deferred, deferred } from "../util/deferred.ts";
import type { WatchBatch } from "./watch-event.ts";

/** Why there will be no more batches: the watcher was closed, or it failed. */
export type BufferEnd =
  | {
      readonly error: unknown;
      /** The caller ended it, so that what is still buffered is not wanted either. */
      readonly discard?: boolean;
    }
  | "closed";

interface Waiting {
  readonly batch: WatchBatch;
  /** By `performance.now()`. */
  readonly since: number;
}

/** Batches on their way to one reader, counted in events. */
export class BatchBuffer {
  readonly #limit: number;
  #batches: Waiting[] = [];
  #given: bigint | undefined;
  #events = 0;
  #end: BufferEnd | undefined;
  #reader: Deferred<IteratorResult<WatchBatch, undefined>> | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get full(): boolean {
    return this.#events >= this.#limit;
  }

  get empty(): boolean {
    return this.#batches.length === 0;
  }

  /** Whether enough has been read for more to be worth fetching. */
  get hasRoom(): boolean {
    return this.#events <= this.#limit / 2;
  }

  /** Up to which revision the reader has been given everything; undefined before {@link reached} first tells. */
  get given(): bigint | undefined {
    return this.#given;
  }

  /** For how long the oldest batch has been waiting for the reader, in ms; 0 when none does. */
  get waitingMs(): number {
    const [oldest] = this.#batches;
    return oldest === undefined ? 0 : performance.now() - oldest.since;
  }

  /** There is nothing for the reader up to this revision but what waits here. */
  reached(revision: bigint): void {
    if (this.#batches.length === 0 && this.#end === undefined) this.#given = revision;
  }

  push(batch: WatchBatch): void {
    if (this.#end !== undefined) return;
    if (this.#reader !== undefined) {
      this.#given = batch.revision;
      this.#reader.resolve({ done: false, value: batch });
      this.#reader = undefined;
      return;
    }
    this.#batches.push({ batch, since: performance.now() });
    this.#events += sizeOf(batch);
  }

  /** No more batches. What is buffered is still read after a failure, and thrown away after a close, also a later one. */
  end(end: BufferEnd): void {
    if (end === "closed" || end.discard === true) {
      this.#batches = [];
      this.#events = 0;
    }
    if (this.#end !== undefined) {
      if (end === "closed") this.#end = end;
      return;
    }
    this.#end = end;
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader === undefined) return;
    if (end === "closed") reader.resolve({ done: true, value: undefined });
    else {
      this.#end = "closed";
      reader.reject(end.error);
    }
  }

  async next(): Promise<IteratorResult<WatchBatch, undefined>> {
    const batch = this.#batches.shift()?.batch;
    if (batch !== undefined) {
      this.#given = batch.revision;
      this.#events -= sizeOf(batch);
      return { done: false, value: batch };
    }
    if (this.#end === undefined) {
      if (this.#reader !== undefined)
        throw new TypeError("a watcher has one reader: await next() before calling it again");
      this.#reader = deferred();
      return this.#reader.promise;
    }
    const end = this.#end;
    this.#end = "closed";
    if (end !== "closed") throw end.error;
    return { done: true, value: undefined };
  }
}

/** A progress notification has no events, but waits in memory like one. */
function sizeOf({ events }: WatchBatch): number {
  return Math.max(1, events.length);
}
