import { describe } from "../util/validate.ts";
import { type Bytes, toBytes, toKey } from "./bytes.ts";

/** All keys that begin with `prefix`; an empty prefix means every key. */
export interface PrefixRange {
  readonly prefix: Bytes;
}

/** All keys from `from` (included) to `to` (excluded), or to the last key without `to`. */
export interface FromToRange {
  readonly from: Bytes;
  readonly to?: Bytes | undefined;
}

/** Which keys an operation is about: one key, a prefix, or an interval. */
export type KeyRange = Bytes | PrefixRange | FromToRange;

/** A range as etcd's requests carry it. Without `rangeEnd` it is the one key. */
export interface WireRange {
  readonly key: Uint8Array;
  readonly rangeEnd?: Uint8Array;
}

/** As `key` "before the first key", as `rangeEnd` "up to the last key". */
const ZERO = new Uint8Array([0]);

/** Reads a {@link KeyRange}; refuses an empty key, an empty interval and unknown shapes with a TypeError. */
export function toWireRange(range: KeyRange, name = "key"): WireRange {
  if (typeof range === "string" || range instanceof Uint8Array) return { key: toKey(range, name) };
  if (typeof range === "object" && range !== null) {
    if ("prefix" in range && only(range, "prefix"))
      return prefixRange(toBytes(range.prefix, `${name}.prefix`));
    if ("from" in range && only(range, "from", "to")) return fromToRange(range, name);
  }
  throw new TypeError(`${name} must be a key, { prefix } or { from, to }, received ${describe(range)}`);
}

function only(range: object, ...names: string[]): boolean {
  return Object.keys(range).every((each) => names.includes(each));
}

function prefixRange(prefix: Uint8Array): WireRange {
  return prefix.length === 0 ? { key: ZERO, rangeEnd: ZERO } : { key: prefix, rangeEnd: prefixEnd(prefix) };
}

function fromToRange({ from, to }: FromToRange, name: string): WireRange {
  const key = toBytes(from, `${name}.from`);
  const first = key.length === 0 ? ZERO : key;
  if (to === undefined) return { key: first, rangeEnd: ZERO };
  const rangeEnd = toKey(to, `${name}.to`);
  if (Buffer.compare(first, rangeEnd) >= 0) throw new TypeError(`${name}.from must come before ${name}.to`);
  return { key: first, rangeEnd };
}

/**
 * The first key after all keys with this prefix: the last byte below 0xff, one higher. A prefix of 0xff bytes only has
 * no such key, which etcd writes as a zero byte (etcd `clientv3.GetPrefixRangeEnd`).
 */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  for (let last = prefix.length - 1; last >= 0; last -= 1) {
    const byte = prefix[last] as number;
    if (byte < 0xff) {
      // Not slice(): a Buffer's shares its memory with the prefix.
      const end = Uint8Array.from(prefix.subarray(0, last + 1));
      end[last] = byte + 1;
      return end;
    }
  }
  return ZERO;
}

/** Reads a range as etcd answers with it, in the shortest form that means the same. */
export function fromWireRange({ key, rangeEnd }: WireRange): KeyRange {
  if (rangeEnd === undefined || rangeEnd.length === 0) return key;
  if (Buffer.compare(rangeEnd, ZERO) === 0) {
    return Buffer.compare(key, ZERO) === 0 ? { prefix: key.subarray(1) } : { from: key };
  }
  return Buffer.compare(rangeEnd, prefixEnd(key)) === 0 ? { prefix: key } : { from: key, to: rangeEnd };
}

/** The smallest key after `key`: where the next page begins. */
export function keyAfter(key: Uint8Array): Uint8Array {
  return Buffer.concat([key, ZERO]);
}
