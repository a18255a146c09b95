import { Emitter } from "../util/emitter.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { type KeyRange, toWireRange, type WireRange } from "../kv/key-range.ts";
import { CALL_OPTIONS, type CallOptions, timeoutOption } from "../transport/call-options.ts";
import type { Connection } from "../transport/connection.ts";
import { onAbort, raceAbort } from "../util/abort.ts";
import { deferred } from "../util/deferred.ts";
import { refuseUnknown, signalOption } from "../util/validate.ts";
import { BatchBuffer, type BufferEnd } from "./batch-buffer.ts";
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

export interface WatcherContext {
  readonly connection: Connection;
  readonly hub: WatchHub;
}

/**
 * A watch, read with `for await`. It survives broken streams, lost members and lost leaders without a gap and without a
 * repetition. The loop ends by `break` or {@link close}, and throws where the watch cannot go on: `COMPACTED` with the
 * compact revision, `PERMISSION_DENIED`, `ABORTED` by its signal, `CLOSED` with the client.
 */
export class Watcher extends Emitter<WatcherEvents> implements AsyncIterable<WatchBatch, undefined> {
  readonly #context: WatcherContext;
  readonly #range: WireRange;
  readonly #options: ResolvedWatchOptions;
  readonly #buffer: BatchBuffer;
  readonly #live = deferred<void>();
  readonly #ended = new AbortController();
  #state: WatcherState = "connecting";
  #place: HubPlace | undefined;
  #holding = false;
  #read = false;
  #lastError: EtcdError | undefined;
  #removeAbortListeners: () => void = () => {};

  /** Made by `EtcdClient.watch`. */
  constructor(context: WatcherContext, range: KeyRange, options: WatchOptions) {
    super();
    this.#context = context;
    this.#range = toWireRange(range);
    this.#options = resolveWatchOptions(options);
    this.#buffer = new BatchBuffer(this.#options.bufferSize);
    // Whoever waits for ready() hears of a failure there; nobody has to.
    this.#live.promise.catch(() => {});
  }

  /** Begins to watch. Called once, by the client. */
  start(): void {
    const { signal, startRevision } = this.#options;
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
    else this.#attach(startRevision);
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
    const limit = AbortSignal.timeout(limitMs);
    try {
      await raceAbort(raceAbort(this.#live.promise, limit), signal);
    } catch (error) {
      if (signal?.aborted === true)
        throw new EtcdError("ABORTED", "ready() was aborted by the caller", { cause: error });
      if (error !== limit.reason) throw error;
      const cause = this.#lastError;
      const why = cause === undefined ? "" : ` (${cause.message})`;
      throw new EtcdError("TIMEOUT", `the watch was not confirmed within ${limitMs} ms${why}`, { cause });
    }
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
      const revision = await this.#context.hub.nextRevision(this.#range, {
        signal: this.#ended.signal,
        onFailure: (error) => this.#interrupted(error),
      });
      if (!this.#ended.signal.aborted) this.#attach(revision);
    } catch (error) {
      this.#end({ error });
    }
  }

  #attach(startRevision: bigint): void {
    const subscription = new Subscription(
      { ...this.#options, range: this.#range, startRevision },
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
    this.#place = this.#context.hub.attach(subscription);
  }

  #interrupted(error: EtcdError): void {
    this.#lastError = error;
    this.#become("interrupted", error);
  }

  #received(batch: WatchBatch): void {
    this.#buffer.push(batch);
    if (this.#buffer.full && !this.#holding) {
      this.#holding = true;
      this.#place?.hold();
    }
  }

  #afterRead(): void {
    if (!this.#holding || !this.#buffer.hasRoom || this.#state === "closed") return;
    this.#holding = false;
    this.#place?.release();
  }

  #end(end: BufferEnd): void {
    if (this.#state === "closed") return;
    const error = end !== "closed" && end.error instanceof EtcdError ? end.error : undefined;
    this.#ended.abort(error);
    this.#removeAbortListeners();
    this.#place?.detach();
    this.#buffer.end(end);
    this.#live.reject(error ?? new EtcdError("CLOSED", "the watcher was closed"));
    this.#become("closed", error);
  }

  #become(state: WatcherState, error?: EtcdError): void {
    if (this.#state === state || this.#state === "closed") return;
    this.#state = state;
    this.emit("state", state, error);
  }
}
