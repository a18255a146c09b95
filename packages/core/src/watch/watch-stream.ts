import type { WatchRequestInput, WatchResponse } from "@quorumkit/proto";
import { type EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import type { Connection } from "../transport/connection.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { RpcStream } from "../transport/rpc-stream.ts";
import * as rpcs from "../transport/rpcs.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import { endOfWatch } from "./end-of-watch.ts";
import type { Subscription } from "./subscription.ts";

type Stream = RpcStream<WatchRequestInput, WatchResponse>;

/** The watch id of answers that concern every watch of the stream, or none. Ids of watches begin at 0. */
const EVERY_WATCH = -1n;

/**
 * How long a new stream may take to say its first word. Pings find a dead connection, but only once there is one: a
 * member that accepts connections and then does nothing would hold up the watches for as long as it pleases.
 */
const FIRST_ANSWER_MS = 3_000;

/** A stream that broke earlier than this is a failed try, and the next one waits. */
const LASTING_MS = 1_000;
const REOPEN = { initialMs: 50, maxMs: 2_000 };

/**
 * Many watches on one stream. Creates go out one at a time: the server picks the ids, so the only thing that ties an
 * answer to a request is their order. When the stream ends, all watches are set up again on the next, each from its own
 * position.
 */
export class WatchStream {
  readonly #connection: Connection;
  readonly #active = new Map<bigint, Subscription>();
  readonly #ids = new Map<Subscription, bigint>();
  /** Cancelled by us; what the server still sends for them is ignored. */
  readonly #cancelled = new Set<bigint>();
  /** In the order in which they are to be created. */
  #waiting = new Set<Subscription>();
  /** The create under way; `subscription` is undefined when its watcher left meanwhile. */
  #creating: { subscription: Subscription | undefined } | undefined;
  #stream: Stream | undefined;
  #opening = false;
  #openedAt = 0;
  /** How many streams in a row broke before they had lasted. */
  #failures = 0;
  #answered = false;
  #answerTimer: NodeJS.Timeout | undefined;
  #avoid: Endpoint | undefined;
  #paused = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  add(subscription: Subscription): void {
    this.#waiting.add(subscription);
    this.#proceed();
  }

  /** Ends a watch here; its position stays, so that it can go on elsewhere. */
  remove(subscription: Subscription): void {
    const id = this.#ids.get(subscription);
    if (id !== undefined) this.#cancel(id);
    else if (this.#creating?.subscription === subscription) this.#creating.subscription = undefined;
    else this.#waiting.delete(subscription);
    if (this.#idle) this.#drop();
  }

  /** Stops reading the stream, which by HTTP/2 flow control stops the server. */
  pause(): void {
    this.#paused = true;
    this.#stream?.pause();
    this.#expectAnswer();
  }

  resume(): void {
    this.#paused = false;
    this.#stream?.resume();
    this.#expectAnswer();
  }

  get #idle(): boolean {
    return this.#active.size === 0 && this.#waiting.size === 0 && this.#creating?.subscription === undefined;
  }

  /** Opens the stream if it is missing, and sends the next create if none is under way. */
  #proceed(): void {
    if (this.#stream === undefined) {
      if (!this.#idle && !this.#opening) void this.#open();
      return;
    }
    if (this.#creating !== undefined) return;
    const [subscription] = this.#waiting;
    if (subscription === undefined) return;
    this.#waiting.delete(subscription);
    this.#creating = { subscription };
    this.#stream.send({ createRequest: subscription.createRequest() });
  }

  async #open(): Promise<void> {
    this.#opening = true;
    // After a stream that had lasted, and once more on another endpoint, it is tried at once.
    if (this.#failures > 1) await pause(backoffMs(this.#failures - 2, REOPEN), this.#connection.closing);
    const stream: Stream | undefined = this.#idle
      ? undefined
      : await this.#connection.openStream(
          rpcs.watch,
          {
            onMessage: (response) => this.#received(response),
            onEnd: (error) => this.#ended(error),
          },
          { avoid: this.#avoid },
        );
    this.#opening = false;
    if (stream === undefined) {
      // Nobody was left to open it for, but that may have changed; or the client closes, which ends the watchers too.
      if (!this.#connection.closing.aborted) this.#proceed();
      return;
    }
    if (this.#idle) {
      stream.cancel();
      return;
    }
    if (!stream.ended) {
      this.#stream = stream;
      this.#openedAt = performance.now();
      if (this.#paused) stream.pause();
      this.#expectAnswer();
    }
    this.#proceed();
  }

  /** A stream that is read and has not answered yet has to, before long. */
  #expectAnswer(): void {
    clearTimeout(this.#answerTimer);
    const stream = this.#stream;
    if (stream === undefined || this.#answered || this.#paused) return;
    this.#answerTimer = setTimeout(() => {
      this.#ended(stream.abandon(`no answer within ${FIRST_ANSWER_MS} ms`));
    }, FIRST_ANSWER_MS);
  }

  #received(response: WatchResponse): void {
    if (!this.#answered) {
      this.#answered = true;
      clearTimeout(this.#answerTimer);
    }
    if (response.created) this.#created(response);
    else if (response.canceled) this.#canceled(response);
    else if (response.watchId === EVERY_WATCH) {
      for (const each of this.#active.values()) each.progress(response.header?.revision ?? 0n);
    } else {
      const subscription = this.#active.get(response.watchId);
      if (subscription !== undefined) subscription.received(response);
      else if (!this.#cancelled.has(response.watchId)) this.#cancel(response.watchId);
    }
  }

  #created(response: WatchResponse): void {
    const { watchId } = response;
    const subscription = this.#creating?.subscription;
    this.#creating = undefined;
    if (response.canceled || watchId === EVERY_WATCH) {
      subscription?.listener.onEnd(endOfWatch(response, subscription.nextRevision));
    } else if (subscription === undefined) {
      this.#cancel(watchId);
    } else {
      this.#active.set(watchId, subscription);
      this.#ids.set(subscription, watchId);
      subscription.listener.onLive();
    }
    if (this.#idle) this.#drop();
    else this.#proceed();
  }

  #canceled(response: WatchResponse): void {
    const { watchId } = response;
    const subscription = this.#active.get(watchId);
    this.#cancelled.delete(watchId);
    if (subscription === undefined) return;
    this.#active.delete(watchId);
    this.#ids.delete(subscription);
    subscription.listener.onEnd(endOfWatch(response, subscription.nextRevision));
    if (this.#idle) this.#drop();
  }

  #cancel(watchId: bigint): void {
    const subscription = this.#active.get(watchId);
    if (subscription !== undefined) this.#ids.delete(subscription);
    this.#active.delete(watchId);
    this.#cancelled.add(watchId);
    this.#stream?.send({ cancelRequest: { watchId } });
  }

  #ended(error: EtcdError): void {
    const lasted = this.#answered && performance.now() - this.#openedAt >= LASTING_MS;
    this.#failures = lasted ? 0 : this.#failures + 1;
    const creating = this.#creating?.subscription;
    const all = [...(creating === undefined ? [] : [creating]), ...this.#active.values(), ...this.#waiting];
    this.#avoid = this.#stream?.endpoint;
    this.#forget();
    if (isEtcdError(error, "PERMISSION_DENIED", "UNAUTHENTICATED", "UNIMPLEMENTED", "INVALID_ARGUMENT")) {
      this.#waiting.clear();
      for (const each of all) each.listener.onEnd(error);
      return;
    }
    this.#waiting = new Set(all);
    for (const each of all) each.listener.onInterrupted(error);
    this.#proceed();
  }

  #drop(): void {
    if (this.#answered) this.#failures = 0;
    this.#stream?.cancel();
    this.#forget();
  }

  #forget(): void {
    clearTimeout(this.#answerTimer);
    this.#stream = undefined;
    this.#answered = false;
    this.#creating = undefined;
    this.#active.clear();
    this.#ids.clear();
    this.#cancelled.clear();
  }
}
