import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import { isGone } from "../errors/passing.ts";
import { type Bytes, toKey } from "../kv/bytes.ts";
import { type KeyRange, toWireRange } from "../kv/key-range.ts";
import type { KeyValue } from "../kv/key-value.ts";
import { printable } from "../kv/printable.ts";
import { CALL_OPTIONS, type CallOptions, timeoutOption } from "../transport/call-options.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import { bounded } from "../util/scope.ts";
import { deferred } from "../util/deferred.ts";
import { Emitter } from "../util/emitter.ts";
import { refuseUnknown, signalOption } from "../util/validate.ts";
import { writeResumeToken } from "../watch/resume-token.ts";
import { StoreView } from "../watch/store-view.ts";
import type { Watcher, WatchLag } from "../watch/watcher.ts";
import type { WatchOptions } from "../watch/watch-options.ts";
import { Continuity, type Look } from "./continuity.ts";
import { KeyMap, type KeyChange } from "./key-map.ts";
import { compareHistory, type Store } from "./same-history.ts";

/**
 * - `loading`: the first listing is not in, or its watch not confirmed yet.
 * - `live`: the state is being followed, and has caught up.
 * - `stale`: the last known state is kept while the way to etcd is gone, or while it is listed again.
 * - `closed`: it is followed no more.
 */
export type MirrorState = "loading" | "live" | "stale" | "closed";

/** What changed at once: one watch batch, or the difference a new listing found. */
export interface MirrorChange {
  /** The mirror's revision after the change. */
  readonly revision: bigint;
  /** In the order in which they happened; of a listing, first what is gone, then the rest by key. Never empty. */
  readonly changes: readonly KeyChange[];
}

export interface MirrorEvents {
  change: [change: MirrorChange];
  /** The state changed; `error` tells why it became stale. */
  state: [state: MirrorState, error: EtcdError | undefined];
  /** A try to list or follow failed, the first one or any other; it goes on trying. */
  failure: [error: EtcdError];
}

/** What a mirror needs of a client. */
export interface MirrorClient extends Store {
  readonly timeoutMs: number;
  watch(range: KeyRange, options?: WatchOptions): Watcher;
}

const RETRY = { initialMs: 50, maxMs: 5_000 };

/** The first tries to list are short, so that what is wrong is known before {@link Mirror.ready} gives up. */
const FIRST_LIST_TIMEOUT_MS = 500;

/**
 * A copy of a range of keys, kept right for ever: listed at one revision, followed by a watch from the next, without any
 * further read while that holds. Where the history in between is compacted, where the store was restored from a backup, and
 * where another cluster answers, it is listed again, and only the difference is told. While etcd is away the last known state
 * stays, marked stale.
 */
export class Mirror extends Emitter<MirrorEvents> {
  readonly #client: MirrorClient;
  readonly #range: KeyRange;
  readonly #keys = new KeyMap();
  readonly #closing = new AbortController();
  readonly #loaded = deferred<void>();
  #listed = false;
  /** Tries in a row that did not end in a followed listing. */
  #failures = 0;
  #state: MirrorState = "loading";
  #revision = 0n;
  #clusterId = 0n;
  #watcher: Watcher | undefined;
  #staleSince: Date | undefined;
  #lastError: EtcdError | undefined;
  #running: Promise<void> = Promise.resolve();

  private constructor(client: MirrorClient, range: KeyRange) {
    super();
    this.#client = client;
    this.#range = range;
    this.#loaded.promise.catch(() => {});
  }

  /**
   * Begins to mirror and returns at once; {@link ready} tells when the first listing is in. Retries for ever. Throws a
   * TypeError for a wrong range.
   */
  static start(client: MirrorClient, range: KeyRange): Mirror {
    toWireRange(range);
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

  /** How far what is shown is behind what etcd has told of; undefined unless `live`, see {@link staleSince} then. */
  get lag(): WatchLag | undefined {
    return this.#state === "live" ? this.#watcher?.lag : undefined;
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

  /**
   * Resolves when the first listing is in and followed, or known to be stale. Rejects by signal, on close, or by timeout
   * with the code and the text of the last failure; a timeout does not end the mirror.
   */
  async ready(options: CallOptions = {}): Promise<void> {
    refuseUnknown(options, CALL_OPTIONS, "ready");
    const signal = signalOption(options.signal);
    const limitMs = timeoutOption(options.timeoutMs, this.#client.timeoutMs);
    await bounded(this.#loaded.promise, {
      what: "listing the keys of a mirror",
      signal,
      timeoutMs: limitMs,
      lastError: () => this.#lastError,
    });
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
    while (!signal.aborted) {
      try {
        await this.#list();
        await this.#follow();
      } catch (error) {
        if (signal.aborted || isEtcdError(error, "CLOSED")) break;
        this.#becomeStale(EtcdError.from(error));
        // A history that is gone is no failure of etcd's: a new listing mends it at once.
        const mended = this.#failures === 0 && isGone(error);
        if (!mended) await pause(backoffMs(this.#failures, RETRY), signal);
        this.#failures += 1;
      }
    }
    this.#loaded.reject(new EtcdError("CLOSED", "the mirror was closed"));
    this.#staleSince ??= new Date();
    this.#become("closed", undefined);
  }

  async #list(): Promise<void> {
    const listed: KeyValue[] = [];
    const store = new StoreView();
    const { signal } = this.#closing;
    const timeoutMs = Math.min(
      this.#client.timeoutMs,
      FIRST_LIST_TIMEOUT_MS * 2 ** Math.min(this.#failures, 10),
    );
    for await (const page of this.#client.pages(this.#range, { signal, timeoutMs })) {
      const changed = store.see({ clusterId: page.clusterId ?? 0n, revision: page.revision });
      if (changed !== undefined) throw changed;
      listed.push(...page.kvs);
    }
    if (signal.aborted) return;
    this.#listed = true;
    this.#clusterId = store.clusterId;
    this.#apply(this.#keys.replaceAll(listed), store.revision);
  }

  /** Follows from the mirror's revision on, until the watch fails or the mirror closes. */
  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    const watcher = this.#client.watch(this.#range, {
      // More than a revision: the watch ends where that is not, or no longer, the listing's store.
      resumeToken: writeResumeToken(
        { clusterId: this.#clusterId, revision: this.#revision },
        toWireRange(this.#range),
      ),
      // Keeps the position fresh while nothing happens, so that a compaction does not overtake it.
      progressNotify: true,
      signal,
    });
    this.#watcher = watcher;
    const continuity = new Continuity(watcher);
    watcher.on("state", (state, error) => {
      if (state === "live") continuity.check(this.#catchUp(), () => this.#becomeLive());
      else if (state === "interrupted" && error !== undefined) {
        continuity.broke();
        this.#becomeStale(error);
      }
    });
    try {
      for await (const { events, revision } of watcher) this.#apply(this.#keys.follow(events), revision);
    } finally {
      await continuity.close();
    }
    if (continuity.lost !== undefined) throw continuity.lost;
  }

  /** Looks whether the mirror has what the store has now; one that is written all the time, whether it had it once. */
  #catchUp(): Look {
    let target: bigint | undefined;
    let compared = false;
    return async (signal) => {
      if (!compared) await this.#compare(signal);
      compared = true;
      const revision = this.#revision;
      const newer = { minModRevision: revision + 1n, limit: 1, keysOnly: true, signal };
      const { kvs, count, revision: current } = await this.#client.range(this.#range, newer);
      target ??= current;
      const nothingNewer =
        kvs.length === 0 && count === BigInt(this.#keys.size) && revision === this.#revision;
      return nothingNewer || this.#revision >= target;
    };
  }

  /** Rejects where the store, as it was at the mirror's revision, is not what the mirror has: then, or no longer, or not yet. */
  async #compare(signal: AbortSignal): Promise<void> {
    const known = { revision: this.#revision, keys: this.#keys.copy() };
    await compareHistory(this.#client, this.#range, known, signal);
  }

  #apply(changes: readonly KeyChange[], revision: bigint): void {
    this.#revision = revision;
    if (changes.length > 0) this.emit("change", printable({ revision, changes }));
  }

  #becomeLive(): void {
    if (this.#closing.signal.aborted) return;
    this.#failures = 0;
    this.#staleSince = undefined;
    this.#lastError = undefined;
    this.#become("live", undefined);
    this.#loaded.resolve();
  }

  #becomeStale(error: EtcdError): void {
    this.#lastError = error;
    if (this.#listed) {
      this.#staleSince ??= new Date();
      this.#become("stale", error);
      this.#loaded.resolve();
    }
    this.emit("failure", error);
  }

  #become(state: MirrorState, error: EtcdError | undefined): void {
    if (this.#state === state) return;
    this.#state = state;
    this.emit("state", state, error);
  }
}
