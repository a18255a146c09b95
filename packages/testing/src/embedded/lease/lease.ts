/** One lease while it lives. Times are the clock's milliseconds. */
export class Lease {
  readonly id: bigint;
  /** Seconds, as granted. */
  readonly ttl: bigint;
  /** The store's revision when it was granted. */
  readonly grantedAt: bigint;
  /** By their bytes, as latin1 text. */
  readonly keys: Set<string> = new Set();
  expiresAt = 0;
  cancelTimer: (() => void) | undefined;

  constructor(id: bigint, ttl: bigint, grantedAt: bigint) {
    this.id = id;
    this.ttl = ttl;
    this.grantedAt = grantedAt;
  }

  /** The attached keys in the order of their bytes. */
  sortedKeys(): Buffer[] {
    // One char is one byte, so the default order of strings is that of the bytes.
    return [...this.keys].toSorted().map((key) => Buffer.from(key, "latin1"));
  }
}
