import { isEtcdError, type KeyValue, type Mirror, type WatchEvent, type Watcher } from "@quorumkit/core";
import { vi } from "vitest";

/** What follows the store beside the calls, and can be asked what it has seen. */
export interface Follower {
  /** What it has seen since the last look, once it has come to a revision, or has ended. */
  seen(revision: bigint): Promise<unknown>;
  close(): Promise<void>;
}

const PATIENCE = { timeout: 10_000, interval: 2 };

export class WatchFollower implements Follower {
  readonly #watcher: Watcher;
  readonly #from: bigint;
  readonly #reading: Promise<void>;
  #events: WatchEvent[] = [];
  #revision = 0n;
  #end: unknown;

  /** `from` is the first revision that it will deliver. */
  constructor(watcher: Watcher, from: bigint) {
    this.#watcher = watcher;
    this.#from = from;
    this.#reading = this.#read();
  }

  async seen(revision: bigint): Promise<unknown> {
    await vi.waitFor(() => {
      const isThere = this.#revision >= revision || this.#from > revision || this.#end !== undefined;
      if (!isThere) throw new Error("the watch lags behind");
    }, PATIENCE);
    const events = this.#events.map(({ type, kv, prevKv, isCreate }) => ({ type, kv, prevKv, isCreate }));
    this.#events = [];
    return { events, end: this.#end };
  }

  async close(): Promise<void> {
    await this.#watcher.close();
    await this.#reading;
  }

  async #read(): Promise<void> {
    try {
      for await (const { events, revision } of this.#watcher) {
        this.#events.push(...events);
        this.#revision = revision;
      }
      this.#end = "closed";
    } catch (error) {
      if (!isEtcdError(error)) throw error;
      this.#end = { code: error.code, compactRevision: error.compactRevision };
    }
  }
}

export class MirrorFollower implements Follower {
  readonly #mirror: Mirror;

  constructor(mirror: Mirror) {
    this.#mirror = mirror;
  }

  async seen(revision: bigint): Promise<unknown> {
    await vi.waitFor(() => {
      if (this.#mirror.revision < revision) throw new Error("the mirror lags behind");
    }, PATIENCE);
    const entries: KeyValue[] = [...this.#mirror.entries()];
    return {
      state: this.#mirror.state,
      revision: this.#mirror.revision,
      entries: entries.toSorted((one, other) => Buffer.compare(one.keyBytes, other.keyBytes)),
    };
  }

  async close(): Promise<void> {
    await this.#mirror.close();
  }
}
