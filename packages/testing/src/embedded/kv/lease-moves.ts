import type { LeaseKeys } from "../lease/lease-book.ts";
import type { StoredEvent } from "../mvcc/store.ts";

/** The leases, as requests on keys use them. */
export interface KvLeases extends LeaseKeys {
  /** The keys attached to a lease; without it, putting a key on a lease needs no permission for the lease's other keys. */
  keysOf?(leaseId: bigint): Iterable<Uint8Array>;
}

/** What the changes of one write mean for the leases. They are collected so that a write that fails moves nothing. */
export class LeaseMoves {
  readonly #leases: KvLeases;
  readonly #events: StoredEvent[] = [];

  constructor(leases: KvLeases) {
    this.#leases = leases;
  }

  add(event: StoredEvent): void {
    this.#events.push(event);
  }

  /** Takes each changed key off the lease it was on, and puts it on the one it has now. */
  apply(): void {
    for (const { kv, prevKv } of this.#events) {
      const before = prevKv?.lease ?? 0n;
      if (before !== 0n) this.#leases.detach(before, kv.key);
      // A key can hold the id of a lease that is gone, after the store was rolled back.
      if (kv.lease !== 0n && this.#leases.exists(kv.lease)) this.#leases.attach(kv.lease, kv.key);
    }
  }
}
