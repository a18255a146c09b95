import type { KeyValue } from "../kv/key-value.ts";

/** More than one transaction writes (128 by default), as keys of one revision have no order among themselves. */
const COMPARED_KEYS = 200;
const COMPARED_BYTES = 1024 * 1024;

/** What a mirror has at its revision, for {@link isSameHistory}. */
export interface KnownState {
  readonly size: number;
  /** The keys changed last, newest first. */
  readonly newest: readonly KeyValue[];
}

export function knownState(keys: Iterable<KeyValue>, size: number): KnownState {
  let newest: KeyValue[] = [];
  let oldest = -1n;
  for (const kv of keys) {
    if (kv.modRevision <= oldest) continue;
    newest.push(kv);
    if (newest.length >= 10 * COMPARED_KEYS) {
      newest = newestFirst(newest);
      oldest = newest.at(-1)?.modRevision ?? oldest;
    }
  }
  return { size, newest: withinBytes(newestFirst(newest)) };
}

/**
 * Whether a store shows the same, asked at the mirror's revision for as many keys as `known.newest`, newest first. One that
 * was restored from a backup and has passed that revision since has done other things in between: the last of them show.
 * A mirror with fewer keys than are compared is compared whole.
 */
export function isSameHistory(
  known: KnownState,
  found: { readonly count: bigint; readonly kvs: readonly KeyValue[] },
): boolean {
  if (found.count !== BigInt(known.size) || found.kvs.length !== known.newest.length) return false;
  if (known.newest.at(0)?.modRevision !== found.kvs.at(0)?.modRevision) return false;
  // Keys of the revision at which the limit cuts may be others here and there.
  const whole = known.newest.length === known.size;
  const cut = whole ? -1n : (known.newest.at(-1)?.modRevision ?? -1n);
  const byKey = new Map(known.newest.map((kv) => [kv.keyBytes.toString("latin1"), kv]));
  return found.kvs.every((kv) => {
    const mine = byKey.get(kv.keyBytes.toString("latin1"));
    return mine === undefined ? kv.modRevision <= cut : isSame(mine, kv);
  });
}

/** A restored store can have another value under the same revision. */
export function isSame(a: KeyValue, b: KeyValue): boolean {
  return (
    a.modRevision === b.modRevision &&
    a.createRevision === b.createRevision &&
    a.lease === b.lease &&
    a.value.equals(b.value)
  );
}

function newestFirst(keys: readonly KeyValue[]): KeyValue[] {
  return keys.toSorted((a, b) => (a.modRevision > b.modRevision ? -1 : 1)).slice(0, COMPARED_KEYS);
}

function withinBytes(keys: readonly KeyValue[]): readonly KeyValue[] {
  let bytes = 0;
  const end = keys.findIndex((kv) => (bytes += kv.value.length) > COMPARED_BYTES);
  return end === -1 ? keys : keys.slice(0, Math.max(1, end));
}
