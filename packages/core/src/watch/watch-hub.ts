import { type EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import { revisionOf } from "../kv/header.ts";
import type { WireRange } from "../kv/key-range.ts";
import type { Connection } from "../transport/connection.ts";
import * as rpcs from "../transport/rpcs.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import type { Subscription } from "./subscription.ts";
import { WatchStream } from "./watch-stream.ts";

/**
 * Where a client's watches live: all on one stream, as long as their readers keep up. One whose reader is slow gets a
 * stream of its own, since pausing the shared one would starve all others.
 */
export class WatchHub {
  readonly #connection: Connection;
  readonly #shared: WatchStream;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#shared = new WatchStream(connection);
  }

  /** Sets up a watch on the shared stream. */
  attach(subscription: Subscription): HubPlace {
    this.#shared.add(subscription);
    return new HubPlace(this.#connection, this.#shared, subscription);
  }

  /**
   * The first revision after now. Starting a watch at "now" without naming it would leave open where to go on when the
   * stream breaks right at the beginning. Rejects only with what waiting cannot mend; `onFailure` hears of the rest.
   */
  async nextRevision(
    { key }: WireRange,
    { signal, onFailure }: { readonly signal: AbortSignal; readonly onFailure: (error: EtcdError) => void },
  ): Promise<bigint> {
    for (let attempt = 0; ; attempt += 1) {
      // Short at first, so that a failure is known soon.
      const timeoutMs = Math.min(this.#connection.defaultTimeoutMs, 500 * 2 ** Math.min(attempt, 10));
      try {
        const options = { signal, timeoutMs };
        return revisionOf(await this.#connection.unary(rpcs.range, { key, countOnly: true }, options)) + 1n;
      } catch (error) {
        if (!isEtcdError(error, "UNAVAILABLE", "TIMEOUT", "NO_LEADER", "TOO_MANY_REQUESTS", "INTERNAL"))
          throw error;
        onFailure(error);
        await pause(backoffMs(attempt, { initialMs: 50, maxMs: 2_000 }), signal);
      }
    }
  }
}

/** A watch's place in the hub, as its reader steers it. */
export class HubPlace {
  readonly #connection: Connection;
  readonly #subscription: Subscription;
  #stream: WatchStream;
  #own: "no" | "wanted" | "yes" = "no";

  constructor(connection: Connection, shared: WatchStream, subscription: Subscription) {
    this.#connection = connection;
    this.#stream = shared;
    this.#subscription = subscription;
  }

  /** The reader cannot take more. */
  hold(): void {
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
      this.#stream = new WatchStream(this.#connection);
      this.#stream.add(this.#subscription);
    }
  }

  detach(): void {
    this.#stream.remove(this.#subscription);
  }
}
