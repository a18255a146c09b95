import type { KeyValue } from "../kv/key-value.ts";

/** Keys are bytes and need not be UTF-8; latin1 maps every byte to one character and back. */
export function idOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}

/** A restored store can have another value under the same revision. */
export function isSame(a: KeyValue, b: KeyValue): boolean {
  return isSameVersion(a, b) && a.value.equals(b.value);
}

/** As {@link isSame}, by all that etcd tells of a key without its value. */
export function isSameVersion(a: KeyValue, b: KeyValue): boolean {
  return (
    a.modRevision === b.modRevision &&
    a.createRevision === b.createRevision &&
    a.version === b.version &&
    a.lease === b.lease
  );
}
