import { channels } from "../diagnostics/channels.ts";
import { Emitter } from "../util/emitter.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { type KeyRange, toWireRange, type WireRange } from "../kv/key-range.ts";
import { printable } from "../kv/printable.ts";
import { CALL_OPTIONS, type CallOptions, timeoutOption } from "../transport/call-options.ts";
import type { Connection } from "../transport/connection.ts";
import { onAbort } from "../util/abort.ts";
import { deferred } from "../util/deferred.ts";
import { bounded } from "../util/scope.ts";
import { refuseUnknown, signalOption } from "../util/validate.ts";
import { BatchBuffer, type BufferEnd } from "./batch-buffer.ts";
import { reachProgress } from "./progress-request.ts";
import { writeResumeToken } from "./resume-token.ts";
import type { StorePoint } from "./store-view.ts";
import { Subscription } from "./subscription.ts";
import type { WatchBatch } from "./watch-event.ts";
import type { HubPlace, WatchHub } from "./watch-hub.ts";
import { type ResolvedWatchOptions, resolveWatchOptions, type WatchOptions } from "./watch-options.ts";

/**
 * - `connecting`: the server has not confirmed the watch yet.
 * - `live`: the server watches, or will again as soon as a slow reader has made room.
 * - `interrupted`: the stream broke, or could not be had; the watch is being set up, and will go on where it was.
 * - `closed`: ended, by `close()`, by its signal, or by an error that the loop throws.
 */
export type WatcherState = "connecting" | "live" | "interrupted" | "closed";

export interface WatcherEvents {
  /** The state changed; `error` tells why it was interrupted or closed, where there is a reason. */
  state: [state: WatcherState, error: EtcdError | undefined];
}

/** How far the reader of a watch is behind. */
export interface WatchLag {
  /**
   * From the last batch the reader took to the newest revision that an answer to this watch told of. It is at most so
   * much: revisions that changed other keys count, too, until the next batch. 0n while nothing is known.
   */
  readonly revisions: bigint;
  /** How long the oldest batch has been waiting to be read; 0 when none does. */
  readonly ms: number;
}

export interface WatcherContext {
  readonly connection: Connection;
  readonly hub: WatchHub;
}

let watchersMade = 0;

/**
 * A watch, read with `for await`. It survives broken streams, lost members and lost leaders without a gap and without a
 * repetition. The loop ends by `break` or {@link close}, and throws where the watch cannot go on: `COMPACTED` with the
 * compact revision, `CLUSTER_CHANGED` when another cluster or a restored one answers, `PERMISSION_DENIED`, `ABORTED` by its
 * signal, `CLOSED` with the client.
 */
export class Watcher extends Emitter<WatcherEvents> implements AsyncIterable<WatchBatch, undefined> {
  /** Tells watchers apart in diagnostics. */
  readonly #number = (watchersMade += 1);
  readonly #context: WatcherContext;
  readonly #range: WireRange;
  readonly #options: ResolvedWatchOptions;
  readonly #buffer: BatchBuffer;
  readonly #live = deferred<void>();
  readonly #ended = new AbortController();
  #state: WatcherState = "connecting";
  #place: HubPlace | undefined;
  #subscription: Subscription | undefined;
  #holding = false;
  #read = false;
  #lastError: EtcdError | undefined;
  #removeAbortListeners: () => void = () => {};
  #giveIdBack: () => void = () => {};

  /** Made by `EtcdClient.watch`. */
  constructor(context: WatcherContext, range: KeyRange, options: WatchOptions) {
    super();
    this.#context = context;
    this.#range = toWireRange(range);
    this.#options = resolveWatchOptions(options, this.#range);
    this.#buffer = new BatchBuffer(this.#options.bufferSize);
    // Whoever waits for ready() hears of a failure there; nobody has to.
    this.#live.promise.catch(() => {});
  }

  /** Begins to watch. Called once, by the client. */
  start(): void {
    const { signal, startRevision, known, watchId } = this.#options;
    this.#giveIdBack = this.#context.hub.takeId(watchId);
    const removeUser = onAbort(signal, (cause) =>
      this.#end({
        error: new EtcdError("ABORTED", "the watch was aborted by the caller", { cause }),
        discard: true,
      }),
    );
    const removeClosing = onAbort(this.#context.connection.closing, (error) =>
      this.#end({ error, discard: true }),
    );
    this.#removeAbortListeners = () => {
      removeUser();
      removeClosing();
    };
    if (this.#state === "closed") this.#removeAbortListeners();
    else if (startRevision === undefined) void this.#startFromNow();
    else this.#attach(startRevision, known);
  }

  get state(): WatcherState {
    return this.#state;
  }

  /**
   * Resolves when the server watches for the first time. Rejects when that fails for good, by signal, or by timeout with
   * the last failure as cause; a timeout does not end the watch.
   */
  async ready(options: CallOptions = {}): Promise<void> {
    refuseUnknown(options, CALL_OPTIONS, "ready");
    const signal = signalOption(options.signal);
    const limitMs = timeoutOption(options.timeoutMs, this.#context.connection.defaultTimeoutMs);
    await bounded(this.#live.promise, {
      what: "waiting for a watch to be confirmed",
      signal,
      timeoutMs: limitMs,
      timeoutCode: "TIMEOUT",
      lastError: () => this.#lastError,
    });
  }

  /**
   * Where the reader is, as text to be stored: {@link WatchOptions.resumeToken} of a later watch, here or in another
   * process, goes on from there, with neither a gap nor a repetition. Stands for the batches the loop has been given, the
   * last one included, so store it when that is dealt with. Undefined until etcd has answered.
   */
  get resumeToken(): string | undefined {
    const revision = this.#buffer.given;
    const { clusterId, revision: reached } = this.#subscription?.store ?? { clusterId: 0n, revision: 0n };
    // A start in the future is no place the store has been at.
    if (revision === undefined || clusterId === 0n || revision > reached) return undefined;
    return writeResumeToken({ clusterId, revision }, this.#range);
  }

  /** How far the reader is behind, by what has been received; looking costs nothing. */
  get lag(): WatchLag {
    const { waitingMs, given } = this.#buffer;
    const store = this.#subscription?.store.revision ?? 0n;
    const revisions = given === undefined || given > store ? 0n : store - given;
    return printable({ revisions, ms: waitingMs });
  }

  /**
   * Asks how far the watch is. Resolves with a revision up to which every event has been delivered, to the loop or into
   * its buffer; it is at least the store's at the time of the call. With `progressNotify` the loop gets it as a batch, too.
   *
   * Servers before 3.4.25 and 3.5.8 cannot tell reliably, some later ones do not for a quiet watch, and proxies never do.
   * There the keys are compared with what the watch has delivered: a key that came and went may still be on its way.
   *
   * @throws EtcdError `TIMEOUT` when the watch is not in sync by then; a filtered one never is by a server that cannot tell.
   */
  async requestProgress(options: CallOptions = {}): Promise<bigint> {
    refuseUnknown(options, CALL_OPTIONS, "requestProgress");
    const { connection } = this.#context;
    const limitMs = timeoutOption(options.timeoutMs, connection.defaultTimeoutMs);
    const signal = signalOption(options.signal);
    const deadline = performance.now() + limitMs;
    await this.ready(options);
    const [place, subscription] = [this.#place, this.#subscription];
    if (place !== undefined && subscription !== undefined && this.#state !== "closed") {
      const filtered = this.#options.filters.length > 0;
      const source = { connection, place, subscription, range: this.#range, filtered };
      const reached = await reachProgress(source, { deadline, signals: [signal, this.#ended.signal] });
      if (reached !== undefined) return reached;
    }
    if (signal?.aborted === true) {
      throw new EtcdError("ABORTED", "requestProgress() was aborted by the caller", { cause: signal.reason });
    }
    if (this.#state === "closed") throw new EtcdError("CLOSED", "the watcher is closed");
    throw new EtcdError("TIMEOUT", `the watch was not known to be in sync within ${limitMs} ms`);
  }

  /** Ends the watch; a loop over it ends too. */
  async close(): Promise<void> {
    this.#end("closed");
    this.#buffer.end("closed");
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchBatch, undefined> {
    if (this.#read) throw new TypeError("a watcher can be read once: make another one with watch()");
    this.#read = true;
    return {
      next: async () => {
        const result = await this.#buffer.next();
        this.#afterRead();
        return result;
      },
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }

  async #startFromNow(): Promise<void> {
    try {
      const now = await this.#context.hub.now(this.#range, {
        signal: this.#ended.signal,
        onFailure: (error) => this.#interrupted(error),
      });
      if (!this.#ended.signal.aborted) this.#attach(now.revision + 1n, now);
    } catch (error) {
      this.#end({ error });
    }
  }

  #attach(startRevision: bigint, known: StorePoint | undefined): void {
    this.#buffer.reached(startRevision - 1n);
    const subscription = new Subscription(
      { ...this.#options, range: this.#range, startRevision, known },
      {
        onLive: () => {
          this.#lastError = undefined;
          this.#live.resolve();
          this.#become("live");
        },
        onInterrupted: (error) => this.#interrupted(error),
        onBatch: (batch) => this.#received(batch),
        onEnd: (error) => this.#end({ error }),
      },
    );
    this.#subscription = subscription;
    this.#place = this.#context.hub.attach(subscription);
  }

  #interrupted(error: EtcdError): void {
    this.#lastError = error;
    this.#become("interrupted", error);
  }

  #received(batch: WatchBatch): void {
    if (channels.watch.hasSubscribers) {
      const { events, revision } = batch;
      channels.watch.publish({ event: "batch", watcher: this.#number, events: events.length, revision });
    }
    if (batch.events.length === 0 && !this.#options.progressNotify) {
      this.#buffer.reached(batch.revision);
      return;
    }
    this.#buffer.push(batch);
    if (this.#buffer.full && !this.#holding) {
      this.#holding = true;
      this.#place?.hold();
    }
  }

  #afterRead(): void {
    if (this.#state === "closed") return;
    if (this.#holding && this.#buffer.hasRoom) {
      this.#holding = false;
      this.#place?.release();
    }
    if (this.#buffer.empty) this.#place?.drained();
  }

  #end(end: BufferEnd): void {
    if (this.#state === "closed") return;
    const error = end !== "closed" && end.error instanceof EtcdError ? end.error : undefined;
    this.#ended.abort(error);
    this.#removeAbortListeners();
    this.#place?.detach();
    this.#giveIdBack();
    this.#buffer.end(end);
    this.#live.reject(error ?? new EtcdError("CLOSED", "the watcher was closed"));
    this.#become("closed", error);
  }

  #become(state: WatcherState, error?: EtcdError): void {
    if (this.#state === state || this.#state === "closed") return;
    this.#state = state;
    if (channels.watch.hasSubscribers)
      channels.watch.publish({ event: "state", watcher: this.#number, state, error });
    this.emit("state", state, error);
  }
}
