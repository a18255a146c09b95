import type { Clock } from "../util/clock.ts";

/** Clocks of two machines run at slightly different rates; 1 % is far more than they do. */
const DRIFT = 0.01;

/** For the way from "it is over" to whoever acts on it. */
const MARGIN_MS = 100;

/**
 * How long a lease can be proven to live: the send time of an answered grant or renewal, plus the TTL in the answer,
 * less drift and margin. The server counts from when it handled the request, which is never before it was sent, so
 * this ends before the server may free the keys. Counting from the answer's arrival would end after it.
 */
export class LeaseDeadline {
  readonly #clock: Clock;
  #endsAt: number;

  constructor(clock: Clock, sentAt: number, ttlSeconds: number) {
    this.#clock = clock;
    this.#endsAt = endOf(sentAt, ttlSeconds);
  }

  /** Milliseconds left, 0 when it is over. Computed from the clock at every read. */
  get remainingMs(): number {
    return Math.max(0, this.#endsAt - this.#clock.now());
  }

  get passed(): boolean {
    return this.#clock.now() >= this.#endsAt;
  }

  /** Takes in an answered renewal. One answered out of order never shortens what is proven already. */
  renewed(sentAt: number, ttlSeconds: number): void {
    this.#endsAt = Math.max(this.#endsAt, endOf(sentAt, ttlSeconds));
  }
}

function endOf(sentAt: number, ttlSeconds: number): number {
  return sentAt + ttlSeconds * 1000 * (1 - DRIFT) - MARGIN_MS;
}
