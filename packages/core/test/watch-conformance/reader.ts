import { setTimeout as delay } from "node:timers/promises";
import { type EtcdClient, isEtcdError, type Watcher } from "@quorumkit/core";
import type { WatchRequest } from "@quorumkit/testing/history";
import { type Recording, toBatch } from "./recording.ts";

export interface ReaderOptions extends WatchRequest {
  readonly progressNotify: boolean;
  /** Takes its time with each batch, and has a buffer for two events only. */
  readonly slow: boolean;
}

/**
 * Watches and writes down what comes. Behind a compaction it begins another recording, as etcd says; everything else a
 * watch has to live through itself.
 */
export class Reader {
  readonly recordings: Recording[] = [];
  readonly #options: ReaderOptions;
  #watcher: Watcher;
  #reading: Promise<void>;
  #failure: unknown;

  constructor(etcd: EtcdClient, options: ReaderOptions) {
    this.#options = options;
    this.#begin(options.startRevision);
    this.#watcher = this.#watch(etcd, { startRevision: options.startRevision });
    this.#reading = this.#read(etcd);
  }

  /** Up to which revision it has everything. */
  get revision(): bigint {
    return this.recordings.at(-1)?.batches.at(-1)?.revision ?? 0n;
  }

  /** What a watch must never end with. */
  get failure(): unknown {
    return this.#failure;
  }

  get options(): ReaderOptions {
    return this.#options;
  }

  /** Stops, and goes on in another client with what a process could have stored. */
  async moveTo(etcd: EtcdClient): Promise<void> {
    await this.#watcher.close();
    await this.#reading;
    const { resumeToken } = this.#watcher;
    const { startRevision } = this.recordings.at(-1)?.request ?? this.#options;
    // etcd may not have answered yet, and then nothing has been delivered either.
    this.#watcher = this.#watch(etcd, resumeToken === undefined ? { startRevision } : { resumeToken });
    this.#reading = this.#read(etcd);
  }

  /** Asks for progress, and does not mind when there is none. */
  async askProgress(): Promise<void> {
    await this.#watcher.requestProgress({ timeoutMs: 1_000 }).catch((error: unknown) => {
      if (!isEtcdError(error)) throw error;
    });
  }

  async close(): Promise<void> {
    await this.#watcher.close();
    await this.#reading;
  }

  #begin(startRevision: bigint): void {
    this.recordings.push({ request: { ...this.#options, startRevision }, batches: [] });
  }

  #watch(etcd: EtcdClient, start: { startRevision: bigint } | { resumeToken: string }): Watcher {
    const { range, prevKv, filters, progressNotify, slow } = this.#options;
    const watched = "key" in range ? range.key : range;
    const buffer = slow ? { bufferSize: 2 } : {};
    return etcd.watch(watched, { ...start, prevKv, filters, progressNotify, ...buffer });
  }

  async #read(etcd: EtcdClient): Promise<void> {
    for (;;) {
      const recording = this.recordings.at(-1);
      try {
        for await (const batch of this.#watcher) {
          recording?.batches.push(toBatch(batch));
          if (this.#options.slow) await delay(25);
        }
        return;
      } catch (error) {
        if (!isEtcdError(error, "COMPACTED") || error.compactRevision === undefined) {
          this.#failure = error;
          return;
        }
        this.#begin(error.compactRevision);
        this.#watcher = this.#watch(etcd, { startRevision: error.compactRevision });
      }
    }
  }
}
