import type { LeaseKeepAliveRequestInput, LeaseKeepAliveResponse } from "@quorumkit/proto";
import type { EtcdError } from "../errors/etcd-error.ts";
import type { Connection } from "../transport/connection.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { RpcStream } from "../transport/rpc-stream.ts";
import * as rpcs from "../transport/rpcs.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import { type Clock, MAX_TIMER_MS } from "../util/clock.ts";
import type { Lease } from "./lease.ts";

/** Told about each renewal of one lease. */
export interface RenewalListener {
  /** The server answered the renewal sent at `sentAt` (the clock's time). */
  onRenewed(sentAt: number, ttlSeconds: number): void;
  /** The server does not know the lease any more. */
  onGone(): void;
}

interface Renewal {
  readonly id: bigint;
  readonly listener: RenewalListener;
  ttlMs: number;
  dueAt: number;
  /** Send times of unanswered renewals on the stream of now, oldest first. */
  unanswered: number[];
}

type Stream = RpcStream<LeaseKeepAliveRequestInput, LeaseKeepAliveResponse>;

/** A renewal goes out after a third of the TTL, which leaves two more tries. */
const RENEW_AFTER = 1 / 3;

/** An answer later than this part of the TTL means that the member or the way to it hangs. */
const GIVE_UP_AFTER = 1 / 6;
const GIVE_UP_AT_LEAST_MS = 200;

const REOPEN = { initialMs: 50, maxMs: 1_000 };

/**
 * Renews all leases of a client over one stream. The server answers in the order of the requests, so an answer belongs
 * to the oldest unanswered renewal of its lease. A stream that ends or hangs is replaced by one to another member.
 */
export class KeepAlive {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #renewals = new Map<bigint, Renewal>();
  #stream: Stream | undefined;
  #opening = false;
  #avoid: Endpoint | undefined;
  /** Streams that ended since the last answer. */
  #failures = 0;
  #lastError: EtcdError | undefined;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** Why renewals are not answered; undefined while they are. */
  get lastError(): EtcdError | undefined {
    return this.#lastError;
  }

  /** Keeps a lease alive until {@link remove}. `grantedAt` is when its grant was sent. */
  add(lease: Lease, grantedAt: number, listener: RenewalListener): void {
    const ttlMs = lease.ttlSeconds * 1000;
    this.#renewals.set(lease.id, {
      id: lease.id,
      listener,
      ttlMs,
      dueAt: grantedAt + ttlMs * RENEW_AFTER,
      unanswered: [],
    });
    this.#turn();
  }

  remove(id: bigint): void {
    if (this.#renewals.delete(id)) this.#turn();
  }

  /** Does what is due, and sets the timer for what is due next. */
  #turn(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    if (this.#renewals.size === 0) {
      this.#stream?.cancel();
      this.#stream = undefined;
      return;
    }
    if (this.#stream === undefined) {
      void this.#open();
      return;
    }
    const now = this.#clock.now();
    if ([...this.#renewals.values()].some((each) => isOverdue(each, now))) {
      this.#replaceHanging(this.#stream, now);
      return;
    }
    for (const renewal of this.#renewals.values()) {
      if (renewal.dueAt <= now) this.#send(this.#stream, renewal, now);
    }
    const next = Math.min(...[...this.#renewals.values()].map(nextTurnOf));
    this.#timer = setTimeout(
      // After a blocked event loop timers run before what has arrived meanwhile is read, so answers are let in first.
      () => (this.#immediate = setImmediate(() => this.#turn())),
      Math.min(MAX_TIMER_MS, Math.max(1, next - now)),
    );
  }

  #send(stream: Stream, renewal: Renewal, now: number): void {
    // The clock was read before the bytes leave: that is what makes the deadline safe.
    renewal.unanswered.push(now);
    renewal.dueAt = now + renewal.ttlMs * RENEW_AFTER;
    stream.send({ ID: renewal.id });
  }

  async #open(): Promise<void> {
    if (this.#opening) return;
    this.#opening = true;
    // The first reconnect is at once, since another member may be all it takes.
    if (this.#failures > 1) await pause(backoffMs(this.#failures - 2, REOPEN), this.#connection.closing);
    const stream: Stream | undefined = await this.#connection.openStream(
      rpcs.leaseKeepAlive,
      { onMessage: (answer) => this.#answered(answer), onEnd: (error) => this.#ended(error) },
      { avoid: this.#avoid },
    );
    this.#opening = false;
    // Undefined only when the client closes, which ends the sessions too.
    if (stream === undefined) return;
    this.#stream = stream;
    const now = this.#clock.now();
    for (const renewal of this.#renewals.values()) {
      // What the old stream left unanswered may be lost, so it is asked again at once.
      if (renewal.unanswered.length > 0) renewal.dueAt = now;
      renewal.unanswered = [];
    }
    this.#turn();
  }

  #answered({ ID, TTL }: LeaseKeepAliveResponse): void {
    this.#failures = 0;
    this.#lastError = undefined;
    const renewal = this.#renewals.get(ID);
    const sentAt = renewal?.unanswered.shift();
    if (renewal === undefined || sentAt === undefined) return;
    if (TTL <= 0n) {
      this.#renewals.delete(ID);
      renewal.listener.onGone();
      this.#turn();
    } else {
      // The timer stands at the earliest turn there can be, so it need not be set again.
      renewal.ttlMs = Number(TTL) * 1000;
      renewal.listener.onRenewed(sentAt, Number(TTL));
    }
  }

  #ended(error: EtcdError): void {
    this.#lastError = error;
    this.#avoid = this.#stream?.endpoint;
    this.#stream = undefined;
    this.#failures += 1;
    this.#turn();
  }

  #replaceHanging(stream: Stream, now: number): void {
    // The connection itself may be half-open, so the next stream must not use it.
    this.#lastError = stream.abandon("a lease renewal got no answer");
    this.#avoid = stream.endpoint;
    this.#stream = undefined;
    for (const renewal of this.#renewals.values()) {
      if (renewal.unanswered.length > 0) renewal.dueAt = now;
    }
    this.#turn();
  }
}

function patienceMs({ ttlMs }: Renewal): number {
  return Math.max(GIVE_UP_AT_LEAST_MS, ttlMs * GIVE_UP_AFTER);
}

function isOverdue(renewal: Renewal, now: number): boolean {
  const [oldest] = renewal.unanswered;
  return oldest !== undefined && oldest + patienceMs(renewal) <= now;
}

function nextTurnOf(renewal: Renewal): number {
  const [oldest] = renewal.unanswered;
  return oldest === undefined ? renewal.dueAt : Math.min(renewal.dueAt, oldest + patienceMs(renewal));
}
