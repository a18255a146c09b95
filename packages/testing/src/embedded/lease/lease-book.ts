import { randomBytes } from "node:crypto";
import type { VirtualClock } from "../clock.ts";
import { errors } from "../errors.ts";
import type { MvccStore } from "../mvcc/store.ts";
import { Lease } from "./lease.ts";

/** What a request on keys needs of the leases. */
export interface LeaseKeys {
  /** @throws {StatusError} lease not found */
  attach(leaseId: bigint, key: Buffer): void;
  detach(leaseId: bigint, key: Buffer): void;
  exists(leaseId: bigint): boolean;
}

export interface LeaseBookOptions {
  readonly store: MvccStore;
  readonly clock: VirtualClock;
  /** Shortest TTL granted, in seconds. Default 2, as of an etcd with its default election timeout. */
  readonly minTtlSeconds?: number;
}

export interface GrantedLease {
  readonly id: bigint;
  /** Seconds. */
  readonly ttl: bigint;
}

export interface LeaseTimeToLive {
  /** Whole seconds left; -1: there is no such lease. */
  readonly ttl: bigint;
  /** Seconds. */
  readonly grantedTtl: bigint;
  readonly keys: readonly Buffer[];
}

/** A lease that is no more, kept for a store that goes back to a revision at which it was. */
interface EndedLease {
  readonly lease: Lease;
  /** The store's revision after the end. */
  readonly endedAt: bigint;
}

/** Leases live at most this many seconds. Source: etcd, server/lease/lessor.go, MaxLeaseTTL. */
const maxTtl = 9_000_000_000n;

const everyKey = { key: Buffer.of(0), rangeEnd: Buffer.of(0) };

/** All leases of a store: grants, renewals, what is attached to them, and their end. */
export class LeaseBook implements LeaseKeys {
  readonly #store: MvccStore;
  readonly #clock: VirtualClock;
  readonly #minTtl: bigint;
  readonly #leases = new Map<bigint, Lease>();
  #ended: EndedLease[] = [];

  constructor({ store, clock, minTtlSeconds = 2 }: LeaseBookOptions) {
    if (!Number.isInteger(minTtlSeconds) || minTtlSeconds < 1)
      throw new TypeError(`minTtlSeconds must be a whole number of at least 1, got ${String(minTtlSeconds)}`);
    this.#store = store;
    this.#clock = clock;
    this.#minTtl = BigInt(minTtlSeconds);
    store.onReset(() => {
      this.#followStore();
    });
  }

  /**
   * Grants a lease. A wish below the minimum TTL gets the minimum.
   * @param id 0: a random positive one is chosen.
   * @param ttl Seconds.
   * @throws {StatusError} lease already exists; too large lease TTL
   */
  grant(id: bigint, ttl: bigint): GrantedLease {
    if (ttl > maxTtl) throw errors.leaseTtlTooLarge();
    const chosen = id === 0n ? this.#freeId() : id;
    if (this.#live(chosen)) throw errors.leaseExists();
    const lease = new Lease(chosen, ttl < this.#minTtl ? this.#minTtl : ttl, this.#store.revision);
    this.#leases.set(chosen, lease);
    this.#renew(lease);
    return { id: lease.id, ttl: lease.ttl };
  }

  /**
   * Ends a lease and deletes its keys, in one revision.
   * @throws {StatusError} lease not found
   */
  revoke(id: bigint): void {
    const lease = this.#live(id);
    if (lease === undefined) throw errors.leaseNotFound();
    this.#end(lease);
  }

  /** Lets a lease expire now, whatever time it has left. @throws {StatusError} lease not found */
  expire(id: bigint): void {
    this.revoke(id);
  }

  /** Renews a lease for its whole TTL. @returns the TTL in seconds; 0: there is no such lease. */
  keepAlive(id: bigint): bigint {
    const lease = this.#live(id);
    if (lease === undefined) return 0n;
    this.#renew(lease);
    return lease.ttl;
  }

  timeToLive(id: bigint, withKeys: boolean): LeaseTimeToLive {
    const lease = this.#live(id);
    if (lease === undefined) return { ttl: -1n, grantedTtl: 0n, keys: [] };
    const left = BigInt(Math.trunc((lease.expiresAt - this.#clock.now()) / 1000));
    return { ttl: left, grantedTtl: lease.ttl, keys: withKeys ? lease.sortedKeys() : [] };
  }

  /** The ids of all leases; what expires first comes first. */
  list(): readonly bigint[] {
    this.#endWhatIsDue();
    return [...this.#leases.values()].toSorted((a, b) => a.expiresAt - b.expiresAt).map(({ id }) => id);
  }

  /** The keys attached to a lease, in order; none when there is no such lease. */
  keysOf(id: bigint): readonly Buffer[] {
    return this.#leases.get(id)?.sortedKeys() ?? [];
  }

  exists(leaseId: bigint): boolean {
    return this.#leases.has(leaseId);
  }

  attach(leaseId: bigint, key: Buffer): void {
    const lease = this.#leases.get(leaseId);
    if (lease === undefined) throw errors.leaseNotFound();
    lease.keys.add(key.toString("latin1"));
  }

  detach(leaseId: bigint, key: Buffer): void {
    this.#leases.get(leaseId)?.keys.delete(key.toString("latin1"));
  }

  /** Gives every lease its whole TTL again, as a new leader of an etcd does. */
  renewAll(): void {
    for (const lease of this.#leases.values()) this.#renew(lease);
  }

  /** Forgets all leases; the store is left as it is. */
  clear(): void {
    for (const lease of this.#leases.values()) lease.cancelTimer?.();
    this.#leases.clear();
    this.#ended = [];
  }

  #freeId(): bigint {
    for (;;) {
      const id = randomBytes(8).readBigUInt64BE() >> 1n;
      if (id !== 0n && !this.#leases.has(id)) return id;
    }
  }

  /** A lease whose time is over is none, even if its timer is late because the event loop was. */
  #live(id: bigint): Lease | undefined {
    const lease = this.#leases.get(id);
    if (lease === undefined || lease.expiresAt > this.#clock.now()) return lease;
    this.#end(lease);
    return undefined;
  }

  #endWhatIsDue(): void {
    // Deleting while going over a Map is well defined.
    for (const id of this.#leases.keys()) this.#live(id);
  }

  #renew(lease: Lease): void {
    lease.expiresAt = this.#clock.now() + Number(lease.ttl) * 1000;
    // A timer that is set already finds at its time that there is more to wait for: a renewal costs nothing.
    if (lease.cancelTimer === undefined) this.#watchExpiry(lease);
  }

  #watchExpiry(lease: Lease): void {
    lease.cancelTimer = this.#clock.setTimeout(lease.expiresAt - this.#clock.now(), () => {
      lease.cancelTimer = undefined;
      if (lease.expiresAt > this.#clock.now()) this.#watchExpiry(lease);
      else this.#end(lease);
    });
  }

  #end(lease: Lease): void {
    lease.cancelTimer?.();
    lease.cancelTimer = undefined;
    this.#store.write((tx) => {
      for (const key of lease.sortedKeys()) tx.delete({ key, rangeEnd: Buffer.alloc(0) });
      // Whoever hears of the deletes must not find the lease any more.
      this.#leases.delete(lease.id);
    });
    this.#ended.push({ lease, endedAt: this.#store.revision });
    this.#dropCompacted();
  }

  /** Nothing goes back behind a compaction. */
  #dropCompacted(): void {
    const { compactRevision } = this.#store;
    const first = this.#ended.findIndex(({ endedAt }) => endedAt > compactRevision);
    if (first !== 0) this.#ended = first === -1 ? [] : this.#ended.slice(first);
  }

  /**
   * The leases of a store that went back are those it had at that revision, each with its whole TTL: a snapshot holds
   * them, and a leader that starts refreshes them. A new store has none.
   */
  #followStore(): void {
    const { revision } = this.#store;
    if (revision === 1n) {
      this.clear();
      return;
    }
    const then = [
      ...this.#leases.values(),
      ...this.#ended.filter(({ endedAt }) => endedAt > revision).map(({ lease }) => lease),
    ].filter((lease) => lease.grantedAt <= revision);
    const ended = this.#ended.filter(({ endedAt }) => endedAt <= revision);
    this.clear();
    this.#ended = ended;
    for (const lease of then) {
      lease.keys.clear();
      this.#leases.set(lease.id, lease);
      this.#renew(lease);
    }
    for (const { key, lease } of this.#store.range(everyKey)) {
      if (lease !== 0n && this.exists(lease)) this.attach(lease, key);
    }
  }
}
