import type { WatchRequestInput, WatchResponse } from "@quorumkit/proto";
import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import type { Connection } from "../transport/connection.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { RpcStream } from "../transport/rpc-stream.ts";
import * as rpcs from "../transport/rpcs.ts";
import type { Token } from "../transport/token.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import { endOfWatch } from "./end-of-watch.ts";
import { HistoryCheck } from "./history-check.ts";
import { hasOrderedProgress } from "./progress-trust.ts";
import { deservesNewStream } from "./refused-create.ts";
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
  /** Refused by the server, while it is found out whether only for the stream's old token. */
  readonly #refused = new Set<Subscription>();
  readonly #onOutdated: (subscription: Subscription) => void;
  #stream: Stream | undefined;
  #opening = false;
  #openedAt = 0;
  /** How many streams in a row broke before they had lasted. */
  #failures = 0;
  #answered = false;
  #answerTimer: NodeJS.Timeout | undefined;
  #avoid: Endpoint | undefined;
  #paused = false;
  readonly #history: HistoryCheck;
  /** How many requests for progress have not been answered, and perhaps never will be. */
  #progressAsked = 0;
  #orderedProgress: Promise<boolean> | undefined;

  /** `onOutdated` gets a watch that this stream cannot have with its token, but a new one can. */
  constructor(connection: Connection, onOutdated: (subscription: Subscription) => void) {
    this.#connection = connection;
    this.#onOutdated = onOutdated;
    this.#history = new HistoryCheck(connection, {
      onFine: (subscription) => {
        if (this.#ids.has(subscription)) subscription.listener.onLive();
      },
      onGone: (subscription, error) => this.#giveUp(subscription, error),
    });
  }

  add(subscription: Subscription): void {
    this.#waiting.add(subscription);
    this.#proceed();
  }

  /** Ends a watch here; its position stays, so that it can go on elsewhere. */
  remove(subscription: Subscription): void {
    this.#history.forget(subscription);
    this.#refused.delete(subscription);
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

  /**
   * Asks how far all watches are. The server answers when all are in sync, and says nothing otherwise. `away` without a
   * stream, `untrusted` on a server whose answer would be worth nothing.
   */
  async askProgress(): Promise<"asked" | "untrusted" | "away"> {
    const stream = this.#stream;
    if (stream === undefined) return "away";
    this.#orderedProgress ??= hasOrderedProgress(this.#connection, stream.endpoint);
    const ordered = await this.#orderedProgress;
    if (stream !== this.#stream) return "away";
    if (!ordered) return "untrusted";
    this.#progressAsked += 1;
    stream.send({ progressRequest: {} });
    return "asked";
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
    let stream: Stream | undefined;
    try {
      stream = this.#idle ? undefined : await this.#openStream();
    } catch (error) {
      this.#opening = false;
      this.#ended(EtcdError.from(error), false);
      return;
    }
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

  async #openStream(): Promise<Stream | undefined> {
    return this.#connection.openStream(
      rpcs.watch,
      {
        onMessage: (response) => this.#received(response),
        onEnd: (error, temporary) => this.#ended(error, temporary),
      },
      { avoid: this.#avoid },
    );
  }

  /** A stream that is read and has not answered yet has to, before long. */
  #expectAnswer(): void {
    clearTimeout(this.#answerTimer);
    const stream = this.#stream;
    if (stream === undefined || this.#answered || this.#paused) return;
    this.#answerTimer = setTimeout(() => {
      this.#ended(stream.abandon(`no answer within ${FIRST_ANSWER_MS} ms`), true);
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
      this.#progressAsked = Math.max(0, this.#progressAsked - 1);
      for (const each of this.#active.values()) {
        const changed = each.allProgressed(response.header);
        if (changed !== undefined) this.#giveUp(each, changed);
      }
    } else {
      const subscription = this.#active.get(response.watchId);
      if (subscription !== undefined) {
        const changed = subscription.received(response);
        if (changed !== undefined) this.#giveUp(subscription, changed);
      } else if (!this.#cancelled.has(response.watchId)) this.#cancel(response.watchId);
    }
  }

  #created(response: WatchResponse): void {
    const { watchId } = response;
    const subscription = this.#creating?.subscription;
    this.#creating = undefined;
    if (response.canceled || watchId === EVERY_WATCH) {
      if (subscription !== undefined)
        this.#refuse(subscription, endOfWatch(response, subscription.nextRevision));
    } else if (subscription === undefined) {
      this.#cancel(watchId);
    } else {
      this.#active.set(watchId, subscription);
      this.#ids.set(subscription, watchId);
      this.#stream?.token?.accepted();
      const verdict = subscription.confirmed(response.header, this.#progressAsked);
      if (verdict === "ok") subscription.listener.onLive();
      else if (verdict === "behind") this.#history.suspect(subscription);
      else this.#giveUp(subscription, verdict);
    }
    if (this.#idle) this.#drop();
    else this.#proceed();
  }

  #refuse(subscription: Subscription, error: EtcdError): void {
    const { endpoint, token } = this.#stream ?? {};
    const forLogin = isEtcdError(error, "UNAUTHENTICATED", "PERMISSION_DENIED");
    if (forLogin && endpoint !== undefined && token !== undefined) {
      this.#refused.add(subscription);
      void this.#lookInto(subscription, error, { endpoint, token });
    } else {
      subscription.listener.onEnd(error);
    }
  }

  async #lookInto(
    subscription: Subscription,
    error: EtcdError,
    stream: { readonly endpoint: Endpoint; readonly token: Token },
  ): Promise<void> {
    const again = await deservesNewStream(this.#connection, stream, subscription.range.key, error);
    // Its watcher may have left meanwhile.
    if (!this.#refused.delete(subscription)) return;
    if (again) this.#onOutdated(subscription);
    else subscription.listener.onEnd(error);
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

  #giveUp(subscription: Subscription, error: EtcdError): void {
    this.remove(subscription);
    subscription.listener.onEnd(error);
  }

  #cancel(watchId: bigint): void {
    const subscription = this.#active.get(watchId);
    if (subscription !== undefined) this.#ids.delete(subscription);
    this.#active.delete(watchId);
    this.#cancelled.add(watchId);
    this.#stream?.send({ cancelRequest: { watchId } });
  }

  #ended(error: EtcdError, temporary: boolean): void {
    const lasted = this.#answered && performance.now() - this.#openedAt >= LASTING_MS;
    this.#failures = lasted ? 0 : this.#failures + 1;
    const creating = this.#creating?.subscription;
    const all = [...(creating === undefined ? [] : [creating]), ...this.#active.values(), ...this.#waiting];
    this.#avoid = this.#stream?.endpoint;
    this.#forget();
    // A stream that ended for its old token is followed by one with another.
    if (
      !temporary &&
      isEtcdError(error, "PERMISSION_DENIED", "UNAUTHENTICATED", "UNIMPLEMENTED", "INVALID_ARGUMENT")
    ) {
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
    this.#progressAsked = 0;
    this.#orderedProgress = undefined;
    this.#creating = undefined;
    this.#active.clear();
    this.#ids.clear();
    this.#cancelled.clear();
  }
}
