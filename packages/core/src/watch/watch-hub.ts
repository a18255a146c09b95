import { type EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import { headerOf } from "../kv/header.ts";
import type { WireRange } from "../kv/key-range.ts";
import type { Connection } from "../transport/connection.ts";
import * as rpcs from "../transport/rpcs.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import { describe } from "../util/validate.ts";
import type { StorePoint } from "./store-view.ts";
import type { Subscription } from "./subscription.ts";
import { WatchStream } from "./watch-stream.ts";

/**
 * Where a client's watches live: all on one stream, as long as their readers keep up. One whose reader is slow gets a
 * stream of its own, since pausing the shared one would starve all others, and goes back when it has kept up for a while.
 * One with an id of its own never shares: on a stream with others the server may have given that id away, or will when it
 * is free again; and it may still send, under an id that is used twice, what the first watch was due (etcd
 * `v3rpc/watch.go`, sendLoop, all versions so far).
 */
export class WatchHub {
  readonly #connection: Connection;
  readonly #places = new WeakMap<Subscription, HubPlace>();
  readonly #ownIds = new Set<bigint>();
  #shared: WatchStream;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#shared = this.newStream();
  }

  /** Takes an id for one watch; the result gives it back. Refuses one that is taken. */
  takeId(watchId: bigint | undefined): () => void {
    if (watchId === undefined) return () => {};
    if (this.#ownIds.has(watchId))
      throw new TypeError(`watchId must be one that no open watch has, received ${describe(watchId)}`);
    this.#ownIds.add(watchId);
    return () => this.#ownIds.delete(watchId);
  }

  /** Sets up a watch, on the shared stream where it can be. */
  attach(subscription: Subscription): HubPlace {
    const alone = subscription.watchId !== undefined;
    const stream = alone ? this.newStream() : this.#shared;
    const place = new HubPlace(this, { stream, alone }, subscription);
    this.#places.set(subscription, place);
    stream.add(subscription);
    return place;
  }

  /** The stream for all watches that need no other. */
  get shared(): WatchStream {
    return this.#shared;
  }

  newStream(): WatchStream {
    const stream: WatchStream = new WatchStream(this.#connection, {
      onOutdated: (subscription) => this.#places.get(subscription)?.leave(stream),
      onParted: (subscriptions) => {
        const other = this.newStream();
        for (const each of subscriptions) this.#places.get(each)?.moveTo(other);
      },
    });
    return stream;
  }

  /**
   * The shared stream for new watches, where `outdated` is one no more: its token has expired. The watches it has stay
   * there, since the server does not look at the token of a watch that runs.
   */
  insteadOf(outdated: WatchStream): WatchStream {
    if (this.#shared === outdated) this.#shared = this.newStream();
    return this.#shared;
  }

  /**
   * Where the store is now. Starting a watch at "now" without naming it would leave open where to go on when the
   * stream breaks right at the beginning. Rejects only with what waiting cannot mend; `onFailure` hears of the rest.
   */
  async now(
    { key }: WireRange,
    { signal, onFailure }: { readonly signal: AbortSignal; readonly onFailure: (error: EtcdError) => void },
  ): Promise<StorePoint> {
    for (let attempt = 0; ; attempt += 1) {
      // Short at first, so that a failure is known soon.
      const timeoutMs = Math.min(this.#connection.defaultTimeoutMs, 500 * 2 ** Math.min(attempt, 10));
      try {
        const options = { signal, timeoutMs };
        return headerOf(await this.#connection.unary(rpcs.range, { key, countOnly: true }, options));
      } catch (error) {
        if (!isEtcdError(error, "UNAVAILABLE", "TIMEOUT", "NO_LEADER", "TOO_MANY_REQUESTS", "INTERNAL"))
          throw error;
        onFailure(error);
        await pause(backoffMs(attempt, { initialMs: 50, maxMs: 2_000 }), signal);
      }
    }
  }
}

/**
 * How long a watch on a stream of its own must not have filled its buffer again, after that was read empty, before it goes
 * back; longer each time. A reader that is slow now and then costs a stream now and then, and not one after the other.
 */
const CALM = { initialMs: 1_000, maxMs: 60_000 };

/** A watch's place in the hub, as its reader steers it. */
export class HubPlace {
  readonly #hub: WatchHub;
  readonly #subscription: Subscription;
  /** It has an id of its own, and never shares a stream. */
  readonly #alone: boolean;
  #stream: WatchStream;
  #own: "no" | "wanted" | "yes";
  /** How often it has gone back to the shared stream. */
  #returns = 0;
  #calm: NodeJS.Timeout | undefined;

  constructor(
    hub: WatchHub,
    { stream, alone }: { readonly stream: WatchStream; readonly alone: boolean },
    subscription: Subscription,
  ) {
    this.#hub = hub;
    this.#stream = stream;
    this.#alone = alone;
    this.#own = alone ? "yes" : "no";
    this.#subscription = subscription;
  }

  /** The reader cannot take more. */
  hold(): void {
    this.#endCalm();
    if (this.#own === "yes") {
      this.#stream.pause();
    } else if (this.#own === "no") {
      this.#stream.remove(this.#subscription);
      this.#own = "wanted";
    }
  }

  /** The reader has room again. */
  release(): void {
    if (this.#own === "yes") {
      this.#stream.resume();
    } else if (this.#own === "wanted") {
      this.#own = "yes";
      this.moveTo(this.#hub.newStream());
    }
  }

  /** The reader has read all there was. Called often. */
  drained(): void {
    if (this.#own === "yes" && !this.#alone && this.#calm === undefined) this.#awaitCalm();
  }

  /** As {@link WatchStream.askProgress}; a reader that is slow has no stream at times. */
  async askProgress(): Promise<"asked" | "untrusted" | "away"> {
    return this.#own === "wanted" ? "away" : this.#stream.askProgress();
  }

  /** The stream's token is too old for this watch. */
  leave(outdated: WatchStream): void {
    this.moveTo(this.#own === "yes" ? this.#hub.newStream() : this.#hub.insteadOf(outdated));
  }

  /** To another stream, from one that has let go of the watch. */
  moveTo(stream: WatchStream): void {
    this.#stream = stream;
    stream.add(this.#subscription);
  }

  detach(): void {
    this.#endCalm();
    this.#stream.remove(this.#subscription);
  }

  #awaitCalm(): void {
    const { nextRevision } = this.#subscription;
    this.#calm = setTimeout(
      () => {
        // A replay that goes on would hold up the others; it has ended where the store was reached, or nothing comes.
        const replays = this.#subscription.isBehind && this.#subscription.nextRevision !== nextRevision;
        if (replays) this.#awaitCalm();
        else this.#goBack();
      },
      backoffMs(this.#returns, CALM),
    );
  }

  #endCalm(): void {
    clearTimeout(this.#calm);
    this.#calm = undefined;
  }

  #goBack(): void {
    this.#endCalm();
    this.#returns += 1;
    this.#own = "no";
    this.#stream.remove(this.#subscription);
    this.moveTo(this.#hub.shared);
  }
}
