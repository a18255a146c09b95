import { type Bytes, toKey } from "../kv/bytes.ts";
import { fromWireRange, type KeyRange, prefixEnd, type WireRange } from "../kv/key-range.ts";

/** What is put into an ownership key to ask its owner to give the key up (etcd `client/v3/leasing`, as the layout is). */
export const REVOKE = "REVOKE";

/** Ownership keys: `prefix + key`, empty, on the owner's lease. */
export class OwnershipKeys {
  readonly #prefix: Buffer;

  /** @throws TypeError for an empty prefix, with which a key would be its own ownership key. */
  constructor(prefix: Bytes) {
    this.#prefix = Buffer.from(toKey(prefix, "prefix"));
  }

  /** All of them, everybody's. */
  get range(): KeyRange {
    return { prefix: this.#prefix };
  }

  /** The prefix as bytes in latin1, which gives each its own character. */
  get name(): string {
    return this.#prefix.toString("latin1");
  }

  of(key: Uint8Array): Buffer {
    return Buffer.concat([this.#prefix, key]);
  }

  /** The key that is owned by this one. */
  ownedBy(ownershipKey: Buffer): Buffer {
    return ownershipKey.subarray(this.#prefix.length);
  }

  /** Those of a range of keys. */
  ofRange({ key, rangeEnd }: WireRange): KeyRange {
    const end = rangeEnd === undefined || isOpen(rangeEnd) ? prefixEnd(this.#prefix) : this.of(rangeEnd);
    return fromWireRange({ key: this.of(key), rangeEnd: end });
  }

  /** Whether some of them are in a range. */
  overlap({ key, rangeEnd }: WireRange): boolean {
    if (rangeEnd === undefined || rangeEnd.length === 0)
      return this.#prefix.equals(key.subarray(0, this.#prefix.length));
    const end = prefixEnd(this.#prefix);
    const beginsBefore = isOpen(end) || Buffer.compare(key, end) < 0;
    return beginsBefore && (isOpen(rangeEnd) || Buffer.compare(rangeEnd, this.#prefix) > 0);
  }
}

/** "Up to the last key", as etcd writes it. */
function isOpen(rangeEnd: Uint8Array): boolean {
  return rangeEnd.length === 1 && rangeEnd[0] === 0;
}
