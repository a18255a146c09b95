import type { KeyValue } from "../kv/key-value.ts";

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
