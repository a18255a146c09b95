import { type Bytes, toBytes } from "../kv/bytes.ts";
import { prefixEnd } from "../kv/key-range.ts";

/** A key that came from etcd, in the message it came in. Messages belong to whoever decoded them, so it may be changed. */
interface Named {
  readonly key: Buffer;
}

/**
 * A prefix as the whole world of a client: every key is inside it, and is called by what comes after it. Rules as in
 * etcd's own `client/v3/namespace`, whose end of a prefix that ends in 0xff lies too far, though.
 */
export class Namespace {
  readonly prefix: Buffer;
  /** The first key behind the namespace, or the zero byte where it reaches to the last key. */
  readonly #end: Uint8Array;

  constructor(prefix: Bytes) {
    // A copy: the caller's bytes may change, and then half of the calls would go elsewhere.
    this.prefix = Buffer.from(toBytes(prefix, "namespace"));
    this.#end = prefixEnd(this.prefix);
  }

  /** The namespace `prefix` within this one. */
  within(prefix: Bytes): Namespace {
    return new Namespace(Buffer.concat([this.prefix, toBytes(prefix, "namespace")]));
  }

  /** The key as etcd has it. An empty one stays so, since etcd refuses it: it would be the prefix itself, which is outside. */
  key(key: Uint8Array | undefined): Uint8Array | undefined {
    return key === undefined || key.length === 0 ? key : Buffer.concat([this.prefix, key]);
  }

  /** The end of a range: none for a single key, and the namespace's for "up to the last key", the zero byte. */
  rangeEnd(rangeEnd: Uint8Array | undefined): Uint8Array | undefined {
    const toTheLast = rangeEnd?.length === 1 && rangeEnd[0] === 0;
    return toTheLast ? this.#end : this.key(rangeEnd);
  }

  /** Calls a key from etcd by its name in here: a shorter view of the same bytes, no copy. */
  strip(named: Named | null | undefined): void {
    if (named) (named as { key: Buffer }).key = this.name(named.key);
  }

  stripAll(all: readonly Named[]): void {
    for (const each of all) this.strip(each);
  }

  /** What a key of etcd is called in here. */
  name(key: Buffer): Buffer {
    return key.subarray(this.prefix.length);
  }

  /** Whether a key of etcd is in here. */
  has(key: Uint8Array): boolean {
    const { length } = this.prefix;
    return key.length > length && this.prefix.equals(key.subarray(0, length));
  }
}
