import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import { type Bytes, toKey } from "../kv/bytes.ts";
import type { KeyRange } from "../kv/key-range.ts";
import type { KeyValue } from "../kv/key-value.ts";
import type { Page, ScanOptions } from "../kv/scan.ts";
import { type CallOptions, timeoutOption } from "../transport/call-options.ts";
import { pause, raceAbort } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import { deferred } from "../util/deferred.ts";
import { Emitter } from "../util/emitter.ts";
import type { Watcher } from "../watch/watcher.ts";
import type { WatchOptions } from "../watch/watch-options.ts";
import { KeyMap, type KeyChange } from "./key-map.ts";

/**
 * - `loading`: nothing is known yet.
 * - `live`: the state is being followed.
 * - `stale`: the last known state is kept while the way to etcd is gone, or while it is listed again.
 * - `closed`: it is followed no more.
 */
export type MirrorState = "loading" | "live" | "stale" | "closed";

/** What changed at once: one watch batch, or the difference a new listing found. */
export interface MirrorChange {
  /** The mirror's revision after the change. */
  readonly revision: bigint;
  /** In the order in which they happened; of a listing, in the order of the keys. Never empty. */
  readonly changes: readonly KeyChange[];
}

export interface MirrorEvents {
  change: [change: MirrorChange];
  /** The state changed; `error` tells why it became stale. */
  state: [state: MirrorState, error: EtcdError | undefined];
}

/** What a mirror needs of a client. */
export interface MirrorClient {
  readonly timeoutMs: number;
  pages(range: KeyRange, options?: ScanOptions): AsyncIterable<Page>;
  watch(range: KeyRange, options?: WatchOptions): Watcher;
}

const RETRY = { initialMs: 50, maxMs: 5_000 };

/**
 * A copy of a range of keys, kept right for ever: listed at one revision, followed by a watch from the next. Where the
 * history in between is compacted it is listed again, and only the difference is told. While etcd is away the last known
 * state stays, marked stale.
 */
export class Mirror extends Emitter<MirrorEvents> {
  readonly #client: MirrorClient;
  readonly #range: KeyRange;
  readonly #keys = new KeyMap();
  readonly #closing = new AbortController();
  readonly #loaded = deferred<void>();
  #state: MirrorState = "loading";
  #revision = 0n;
  #staleSince: Date | undefined;
  #lastError: EtcdError | undefined;
  #running: Promise<void> = Promise.resolve();

  private constructor(client: MirrorClient, range: KeyRange) {
    super();
    this.#client = client;
    this.#range = range;
    this.#loaded.promise.catch(() => {});
  }

  /** Begins to mirror and returns at once; {@link ready} tells when the first listing is in. Retries for ever. */
  static start(client: MirrorClient, range: KeyRange): Mirror {
    const mirror = new Mirror(client, range);
    mirror.#running = mirror.#run();
    return mirror;
  }

  get state(): MirrorState {
    return this.#state;
  }

  /** Everything up to this revision is in; 0n while loading. */
  get revision(): bigint {
    return this.#revision;
  }

  /** Since when the state may be out of date; undefined while it is followed. */
  get staleSince(): Date | undefined {
    return this.#staleSince;
  }

  /** Why the last try to list or follow failed; undefined while it works. */
  get lastError(): EtcdError | undefined {
    return this.#lastError;
  }

  /** How many keys there are. */
  get size(): number {
    return this.#keys.size;
  }

  get(key: Bytes): KeyValue | undefined {
    return this.#keys.get(toKey(key));
  }

  /** All keys, in no particular order. */
  entries(): IterableIterator<KeyValue> {
    return this.#keys.values();
  }

  /** Resolves when the first listing is in. Rejects by signal, by timeout with the last error as cause, or on close. */
  async ready({ signal, timeoutMs }: CallOptions = {}): Promise<void> {
    const limitMs = timeoutOption(timeoutMs, this.#client.timeoutMs);
    const limit = AbortSignal.timeout(limitMs);
    try {
      await raceAbort(this.#loaded.promise, signal === undefined ? limit : AbortSignal.any([limit, signal]));
    } catch (error) {
      if (signal?.aborted === true)
        throw new EtcdError("ABORTED", "ready() was aborted by the caller", { cause: error });
      if (!limit.aborted) throw error;
      const cause = this.#lastError;
      throw new EtcdError(cause?.code ?? "TIMEOUT", `the keys could not be listed within ${limitMs} ms`, {
        cause,
      });
    }
  }

  /** Stops following. The last known state can still be read. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#list();
        failures = 0;
        await this.#follow();
      } catch (error) {
        if (signal.aborted || isEtcdError(error, "CLOSED")) break;
        this.#becomeStale(EtcdError.from(error));
        // Compacted history is no failure of etcd's: a new listing mends it at once.
        if (!isEtcdError(error, "COMPACTED")) await pause(backoffMs(failures++, RETRY), signal);
      }
    }
    this.#loaded.reject(new EtcdError("CLOSED", "the mirror was closed"));
    this.#staleSince ??= new Date();
    this.#become("closed", undefined);
  }

  async #list(): Promise<void> {
    const listed: KeyValue[] = [];
    let revision = 0n;
    for await (const page of this.#client.pages(this.#range, { signal: this.#closing.signal })) {
      revision = page.revision;
      listed.push(...page.kvs);
    }
    this.#apply(this.#keys.replaceAll(listed), revision);
    this.#loaded.resolve();
  }

  /** Follows from the mirror's revision on, until the watch fails or the mirror closes. */
  async #follow(): Promise<void> {
    const watcher = this.#client.watch(this.#range, {
      startRevision: this.#revision + 1n,
      // Keeps the position fresh while nothing happens, so that a compaction does not overtake it.
      progressNotify: true,
      signal: this.#closing.signal,
    });
    watcher.on("state", (state, error) => {
      if (state === "live") this.#becomeLive();
      else if (state === "interrupted" && error !== undefined) this.#becomeStale(error);
    });
    for await (const { events, revision } of watcher) this.#apply(this.#keys.follow(events), revision);
  }

  #apply(changes: readonly KeyChange[], revision: bigint): void {
    this.#revision = revision;
    if (changes.length > 0) this.emit("change", { revision, changes });
  }

  #becomeLive(): void {
    this.#staleSince = undefined;
    this.#lastError = undefined;
    this.#become("live", undefined);
  }

  #becomeStale(error: EtcdError): void {
    this.#lastError = error;
    if (this.#state === "loading") return;
    this.#staleSince ??= new Date();
    this.#become("stale", error);
  }

  #become(state: MirrorState, error: EtcdError | undefined): void {
    if (this.#state === state) return;
    this.#state = state;
    this.emit("state", state, error);
  }
}
