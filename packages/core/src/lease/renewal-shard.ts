import { EtcdError } from "../errors/etcd-error.ts";
import type { Connection } from "../transport/connection.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import type { Clock } from "../util/clock.ts";
import { nextDueAt, patienceMs, type Renewal, renewalsPerSecond } from "./renewal.ts";
import { type Answer, RenewalStream } from "./renewal-stream.ts";

/** What a shard needs of the keep-alive it is a part of. */
export interface ShardContext {
  readonly connection: Connection;
  readonly clock: Clock;
  /** Has {@link RenewalShard.renew} called for it soon. */
  wake(renewal: Renewal): void;
  /** Removes a lease that the server does not know. */
  forget(renewal: Renewal): void;
  /** The endpoint that has the most streams already. */
  busiest(): Endpoint | undefined;
}

const REOPEN = { initialMs: 50, maxMs: 1_000 };

/** A stream that is silent for so many times a lease's patience is given up. */
const GIVE_UP_AFTER = 3;

/** A stream that never answered may still be connecting, which takes several ways there and back. */
const TO_CONNECT_MS = 1_000;

/**
 * Renews a part of a client's leases over one stream, the preferred one. The server answers a stream strictly in order,
 * and one renewal it cannot answer yet (its lease has expired and waits for its revocation, the member has lost its
 * leader) holds up all behind it. So a renewal whose answer is late goes out again over a standby, to another member
 * where there is one, while the first stream keeps its chance. A standby that overtakes becomes the preferred stream.
 */
export class RenewalShard {
  readonly #context: ShardContext;
  readonly #renewals = new Map<bigint, Renewal>();
  #renewalsPerSecond = 0;
  #preferred: RenewalStream | undefined;
  #standby: RenewalStream | undefined;
  /** Those that wait for a stream to open, to be woken then. */
  readonly #waiting = new Set<Renewal>();
  /** Where the last stream failed. */
  #avoid: Endpoint | undefined;
  /** Streams that ended since the last answer. */
  #failures = 0;
  #lastError: EtcdError | undefined;

  constructor(context: ShardContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#renewals.size;
  }

  /** What its leases ask of its stream. */
  get renewalsPerSecond(): number {
    return this.#renewalsPerSecond;
  }

  /** Where its leases are renewed at the moment. */
  get endpoint(): Endpoint | undefined {
    return this.#preferred?.endpoint;
  }

  /** Why renewals are not answered; undefined while they are. */
  get lastError(): EtcdError | undefined {
    return this.#lastError;
  }

  add(renewal: Renewal): void {
    this.#renewals.set(renewal.id, renewal);
    this.#renewalsPerSecond += renewalsPerSecond(renewal.grantedMs);
    // By the time of its first renewal there is a connection.
    this.#openPreferred();
  }

  /** Forgets a lease; with the last one the streams end. */
  remove(renewal: Renewal): void {
    this.#renewals.delete(renewal.id);
    this.#renewalsPerSecond -= renewalsPerSecond(renewal.grantedMs);
    this.#waiting.delete(renewal);
    if (this.#renewals.size > 0) return;
    this.#preferred?.cancel();
    this.#standby?.cancel();
    this.#preferred = undefined;
    this.#standby = undefined;
  }

  /** Does for one lease what is due; gives when to call it again, Infinity when it waits for a stream. */
  renew(renewal: Renewal, now: number): number {
    const patience = patienceMs(renewal);
    this.#giveUpSilent(patience, now);
    const since = this.#unansweredSince(renewal);
    const late = since !== undefined && since + patience <= now;
    const due = renewal.dueAt <= now;
    if (due) {
      if (this.#preferred?.isOpen !== true) {
        this.#waiting.add(renewal);
        this.#openPreferred();
        return Infinity;
      }
      this.#preferred.send(renewal.id, now);
      renewal.dueAt = nextDueAt(now, renewal.ttlMs);
    }
    if (late && (due || !renewal.hedged)) this.#hedge(renewal, now);
    return Math.min(renewal.dueAt, late ? this.#nextGiveUp(patience) : (since ?? now) + patience);
  }

  #hedge(renewal: Renewal, now: number): void {
    this.#lastError ??= new EtcdError(
      "UNAVAILABLE",
      `${this.#preferred?.endpoint?.url} did not answer a lease renewal in time`,
    );
    renewal.hedged = true;
    if (this.#standby?.isOpen === true) this.#standby.send(renewal.id, now);
    else {
      this.#waiting.add(renewal);
      this.#openStandby();
    }
  }

  #unansweredSince({ id, provenAt }: Renewal): number | undefined {
    const preferred = this.#preferred?.unansweredSince(id, provenAt);
    const standby = this.#standby?.unansweredSince(id, provenAt);
    return preferred === undefined || standby === undefined
      ? (preferred ?? standby)
      : Math.min(preferred, standby);
  }

  #openPreferred(): void {
    if (this.#preferred !== undefined) return;
    const stream = new RenewalStream();
    this.#preferred = stream;
    void this.#open(stream, this.#avoid ?? this.#context.busiest(), undefined);
  }

  #openStandby(): void {
    if (this.#standby !== undefined) return;
    const stream = new RenewalStream();
    this.#standby = stream;
    void this.#open(stream, this.#preferred?.endpoint, this.#preferred);
  }

  async #open(
    stream: RenewalStream,
    avoid: Endpoint | undefined,
    besides: RenewalStream | undefined,
  ): Promise<void> {
    const { connection, clock } = this.#context;
    // The first reconnect is at once, since another member may be all it takes.
    if (this.#failures > 1) await pause(backoffMs(this.#failures - 2, REOPEN), connection.closing);
    const opened = await stream.open(
      connection,
      () => clock.now(),
      {
        onAnswer: (answer) => this.#answered(stream, answer),
        onEnd: (error) => this.#ended(stream, error),
      },
      { avoid, besides },
    );
    // Not opened only when nobody wants it any more, or the client closes, which ends the sessions too.
    if (!opened) return;
    for (const renewal of this.#waiting) {
      renewal.hedged = false;
      this.#context.wake(renewal);
    }
    this.#waiting.clear();
  }

  #answered(stream: RenewalStream, { id, sentAt, answeredAt, ttlSeconds }: Answer): void {
    this.#failures = 0;
    this.#lastError = undefined;
    this.#avoid = undefined;
    const renewal = this.#renewals.get(id);
    if (stream === this.#standby) {
      const overtook = this.#preferred?.unansweredSince(id, -Infinity) ?? Infinity;
      if (renewal !== undefined && overtook < sentAt) this.#swap();
    }
    if (stream === this.#standby && stream.owesNothing) {
      stream.cancel();
      this.#standby = undefined;
    }
    if (renewal === undefined) return;
    if (ttlSeconds === 0) {
      this.#context.forget(renewal);
      renewal.listener.onGone();
      return;
    }
    renewal.ttlMs = ttlSeconds * 1000;
    renewal.answerMs = answeredAt - sentAt;
    renewal.provenAt = Math.max(renewal.provenAt, sentAt);
    renewal.hedged = false;
    renewal.listener.onRenewed(sentAt, ttlSeconds);
  }

  #swap(): void {
    const overtaken = this.#preferred;
    this.#preferred = this.#standby;
    this.#standby = overtaken;
  }

  #giveUpSilent(patience: number, now: number): void {
    for (const stream of [this.#standby, this.#preferred]) {
      if (stream === undefined || giveUpAt(stream, patience) > now) continue;
      const error = stream.abandon("a lease renewal got no answer");
      if (error !== undefined) this.#ended(stream, error);
    }
  }

  #nextGiveUp(patience: number): number {
    const streams = [this.#standby, this.#preferred].filter((each) => each !== undefined);
    return Math.min(...streams.map((each) => giveUpAt(each, patience)));
  }

  #ended(stream: RenewalStream, error: EtcdError): void {
    this.#lastError = error;
    this.#failures += 1;
    if (stream === this.#preferred) {
      this.#avoid = stream.endpoint;
      this.#preferred = this.#standby;
    }
    this.#standby = undefined;
    // What it left unanswered may be lost, so it is asked again at once.
    const now = this.#context.clock.now();
    for (const id of stream.owing) {
      const renewal = this.#renewals.get(id);
      if (renewal === undefined) continue;
      renewal.dueAt = now;
      this.#context.wake(renewal);
    }
    this.#openPreferred();
  }
}

function giveUpAt({ silentSince, heard }: RenewalStream, patience: number): number {
  return silentSince + GIVE_UP_AFTER * patience + (heard ? 0 : TO_CONNECT_MS);
}
