import type { EtcdError } from "../errors/etcd-error.ts";
import type { Connection } from "../transport/connection.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { type Clock, MAX_TIMER_MS } from "../util/clock.ts";
import type { Lease } from "./lease.ts";
import { nextDueAt, renewalsPerSecond, type Renewal, type RenewalListener } from "./renewal.ts";
import { RenewalShard } from "./renewal-shard.ts";

/**
 * The server answers the renewals of a stream one after the other, and each waits until the member has applied what was
 * committed before it (etcd 3.5.13), so that while much is written a stream gets no further than some fifty in a second.
 */
const RENEWALS_PER_SECOND = 50;

/** So that thousands of renewals due at once do not keep the event loop from everything else. */
const RENEWALS_PER_TURN = 256;

interface Entry extends Renewal {
  readonly shard: RenewalShard;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Renews all leases of a client, each by the stream of its shard. Each lease has a timer: Node keeps timers of one
 * duration in one list, so that setting one costs the same however many there are.
 */
export class KeepAlive {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #entries = new Map<bigint, Entry>();
  readonly #shards = new Set<RenewalShard>();
  readonly #due = new Set<Entry>();
  #immediate: NodeJS.Immediate | undefined;

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** Whether a lease is being kept alive. */
  keeps(id: bigint): boolean {
    return this.#entries.has(id);
  }

  /** Why the renewals of a lease are not answered; undefined while they are. */
  lastErrorOf(id: bigint): EtcdError | undefined {
    return this.#entries.get(id)?.shard.lastError;
  }

  /** Keeps a lease alive until {@link remove}. `grantedAt` is when its grant was sent. */
  add(lease: Lease, grantedAt: number, listener: RenewalListener): void {
    const ttlMs = lease.ttlSeconds * 1000;
    const entry: Entry = {
      id: lease.id,
      listener,
      grantedMs: ttlMs,
      ttlMs,
      dueAt: nextDueAt(grantedAt, ttlMs),
      provenAt: grantedAt,
      answerMs: 0,
      hedged: false,
      shard: this.#shardWithRoom(ttlMs),
      timer: undefined,
    };
    this.#entries.set(lease.id, entry);
    entry.shard.add(entry);
    this.#wakeAt(entry, entry.dueAt, this.#clock.now());
  }

  remove(id: bigint): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    this.#due.delete(entry);
    clearTimeout(entry.timer);
    entry.shard.remove(entry);
    if (entry.shard.size === 0) this.#shards.delete(entry.shard);
    if (this.#due.size > 0) return;
    clearImmediate(this.#immediate);
    this.#immediate = undefined;
  }

  #shardWithRoom(ttlMs: number): RenewalShard {
    const more = renewalsPerSecond(ttlMs);
    for (const shard of this.#shards) if (shard.renewalsPerSecond + more <= RENEWALS_PER_SECOND) return shard;
    const shard = new RenewalShard({
      connection: this.#connection,
      clock: this.#clock,
      wake: ({ id }) => this.#wake(this.#entries.get(id)),
      forget: ({ id }) => this.remove(id),
      busiest: () => this.#busiest(),
    });
    this.#shards.add(shard);
    return shard;
  }

  #busiest(): Endpoint | undefined {
    const streams = new Map<Endpoint, number>();
    let busiest: Endpoint | undefined;
    for (const { endpoint } of this.#shards) {
      if (endpoint === undefined) continue;
      const count = (streams.get(endpoint) ?? 0) + 1;
      streams.set(endpoint, count);
      if (busiest === undefined || count > (streams.get(busiest) ?? 0)) busiest = endpoint;
    }
    return busiest;
  }

  #wakeAt(entry: Entry, at: number, now: number): void {
    clearTimeout(entry.timer);
    const ms = Math.min(MAX_TIMER_MS, Math.max(1, Math.ceil(at - now)));
    entry.timer = setTimeout(() => this.#wake(entry), ms);
  }

  #wake(entry: Entry | undefined): void {
    if (entry === undefined) return;
    this.#due.add(entry);
    // After a blocked event loop timers run before what has arrived meanwhile is read, so answers are let in first.
    this.#immediate ??= setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#immediate = undefined;
    // Read before anything is sent: that is what makes the deadlines safe.
    const now = this.#clock.now();
    let count = 0;
    for (const entry of this.#due) {
      if (count === RENEWALS_PER_TURN) break;
      count += 1;
      this.#due.delete(entry);
      const next = entry.shard.renew(entry, now);
      if (next === Infinity) clearTimeout(entry.timer);
      else this.#wakeAt(entry, next, now);
    }
    if (this.#due.size > 0) this.#immediate = setImmediate(() => this.#turn());
  }
}
