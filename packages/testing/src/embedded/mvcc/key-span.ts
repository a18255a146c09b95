/**
 * A range of keys as etcd's messages write it: an empty `rangeEnd` means the one key, a zero byte means every key from
 * `key` on, anything else is the first key after the range.
 */
export interface KeySpan {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

/**
 * A key as a string with one character per byte. Such strings compare in the order of the bytes, and they can be the keys
 * of a Map.
 */
export function nameOf(key: Uint8Array): string {
  const buffer = Buffer.isBuffer(key) ? key : Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return buffer.toString("latin1");
}

/** The first name after a span; `undefined`: the span has no end. Of a span that is more than one key. */
export function endOf({ rangeEnd }: KeySpan): string | undefined {
  return rangeEnd.length === 1 && rangeEnd[0] === 0 ? undefined : nameOf(rangeEnd);
}
