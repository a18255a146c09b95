import type { WatchResponse } from "@quorumkit/proto";
import { type EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import type { Connection } from "../transport/connection.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { Token } from "../transport/token.ts";
import { endOfWatch, otherWatchId } from "./end-of-watch.ts";
import { HistoryCheck } from "./history-check.ts";
import { KeptStream } from "./kept-stream.ts";
import { hasOrderedProgress } from "./progress-trust.ts";
import { deservesNewStream } from "./refused-create.ts";
import type { Subscription } from "./subscription.ts";

/** The watch id of answers that concern every watch of the stream, or none. Ids of watches begin at 0. */
const EVERY_WATCH = -1n;

/** What becomes of watches that have to leave a stream. */
export interface WatchStreamHandlers {
  /** This stream cannot have the watch with its token, but a new one can. */
  onOutdated(subscription: Subscription): void;
  /** These are to go on on another stream. */
  onParted(subscriptions: readonly Subscription[]): void;
}

/**
 * Many watches on one stream. Creates go out one at a time: the server picks most ids, so the only thing that ties an
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
  readonly #handlers: WatchStreamHandlers;
  readonly #kept: KeptStream;
  readonly #history: HistoryCheck;
  /** How many requests for progress have not been answered, and perhaps never will be. */
  #progressAsked = 0;
  #orderedProgress: Promise<boolean> | undefined;

  constructor(connection: Connection, handlers: WatchStreamHandlers) {
    this.#connection = connection;
    this.#handlers = handlers;
    this.#kept = new KeptStream(connection, {
      isIdle: () => this.#idle,
      proceed: () => this.#proceed(),
      onMessage: (response) => this.#received(response),
      onEnd: (error, temporary) => this.#ended(error, temporary),
    });
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
    this.#kept.pause();
  }

  resume(): void {
    this.#kept.resume();
  }

  /**
   * Asks how far all watches are. The server answers when all are in sync, and says nothing otherwise. `away` without a
   * stream, `untrusted` on a server whose answer would be worth nothing.
   */
  async askProgress(): Promise<"asked" | "untrusted" | "away"> {
    const stream = this.#kept.current;
    if (stream === undefined) return "away";
    this.#orderedProgress ??= hasOrderedProgress(this.#connection, stream.endpoint);
    const ordered = await this.#orderedProgress;
    if (stream !== this.#kept.current) return "away";
    if (!ordered) return "untrusted";
    this.#progressAsked += 1;
    stream.send({ progressRequest: {} });
    return "asked";
  }

  get #idle(): boolean {
    return this.#active.size === 0 && this.#waiting.size === 0 && this.#creating?.subscription === undefined;
  }

  /** Has the stream opened if it is missing, and sends the next create if none is under way. */
  #proceed(): void {
    const stream = this.#kept.current;
    if (stream === undefined) {
      if (!this.#idle) this.#kept.open();
      return;
    }
    if (this.#creating !== undefined) return;
    const [subscription] = this.#waiting;
    if (subscription === undefined) return;
    this.#waiting.delete(subscription);
    this.#creating = { subscription };
    stream.send({ createRequest: subscription.createRequest() });
  }

  #received(response: WatchResponse): void {
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
    } else if (subscription.watchId !== undefined && subscription.watchId !== watchId) {
      this.#cancel(watchId);
      subscription.listener.onEnd(otherWatchId(subscription.watchId, watchId));
    } else {
      this.#active.set(watchId, subscription);
      this.#ids.set(subscription, watchId);
      this.#kept.current?.token?.accepted();
      const verdict = subscription.confirmed(response.header, this.#progressAsked);
      if (verdict === "ok") subscription.listener.onLive();
      else if (verdict === "behind") this.#history.suspect(subscription);
      else this.#giveUp(subscription, verdict);
    }
    if (this.#idle) this.#drop();
    else this.#proceed();
  }

  #refuse(subscription: Subscription, error: EtcdError): void {
    const { endpoint, token } = this.#kept.current ?? {};
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
    if (again) this.#handlers.onOutdated(subscription);
    else subscription.listener.onEnd(error);
  }

  #canceled(response: WatchResponse): void {
    const { watchId } = response;
    const subscription = this.#active.get(watchId);
    this.#cancelled.delete(watchId);
    if (subscription === undefined) return;
    // etcd keeps what it ended until it is told, and answers no request for progress while it has one that is not in sync.
    this.#cancel(watchId);
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
    this.#kept.current?.send({ cancelRequest: { watchId } });
  }

  #ended(error: EtcdError, temporary: boolean): void {
    const creating = this.#creating?.subscription;
    const all = [...(creating === undefined ? [] : [creating]), ...this.#active.values(), ...this.#waiting];
    const tooLarge = isEtcdError(error, "RESPONSE_TOO_LARGE");
    // Sent to whom, the answer does not tell: perhaps to a watch that has left.
    const left = this.#cancelled.size > 0 || (this.#creating !== undefined && creating === undefined);
    this.#forget();
    // A stream that ended for its old token is followed by one with another.
    const refused =
      !temporary &&
      isEtcdError(error, "PERMISSION_DENIED", "UNAUTHENTICATED", "UNIMPLEMENTED", "INVALID_ARGUMENT");
    if (refused || (tooLarge && all.length === 1 && !left)) {
      this.#waiting.clear();
      for (const each of all) each.listener.onEnd(error);
      return;
    }
    this.#waiting = new Set(all);
    for (const each of all) each.listener.onInterrupted(error);
    if (tooLarge) this.#part();
    this.#proceed();
  }

  /** Parted and parted again, the watch whose answers break every stream is left alone, and the others go on. */
  #part(): void {
    const parted = [...this.#waiting].slice(Math.ceil(this.#waiting.size / 2));
    for (const each of parted) this.remove(each);
    this.#handlers.onParted(parted);
  }

  #drop(): void {
    this.#kept.drop();
    this.#forget();
  }

  #forget(): void {
    this.#progressAsked = 0;
    this.#orderedProgress = undefined;
    this.#creating = undefined;
    this.#active.clear();
    this.#ids.clear();
    this.#cancelled.clear();
  }
}
