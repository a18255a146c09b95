import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import { keyId } from "../kv/bytes.ts";
import type { KeyRange } from "../kv/key-range.ts";
import type { KeyValue } from "../kv/key-value.ts";
import type { RangeOptions, RangeResult } from "../kv/range.ts";
import type { Page, ScanOptions } from "../kv/scan.ts";
import { isSame, isSameVersion } from "./same-key.ts";

/** More than one transaction writes (128 by default), as keys of one revision have no order among themselves. */
const NEWEST_KEYS = 200;
const VALUE_BYTES = 1024 * 1024;

/** What a mirror has at one revision, by {@link keyId}. */
export interface KnownState {
  readonly revision: bigint;
  readonly keys: ReadonlyMap<string, KeyValue>;
}

/** What the store is looked at through. */
export interface Store {
  range(range: KeyRange, options?: RangeOptions): Promise<RangeResult>;
  pages(range: KeyRange, options?: ScanOptions): AsyncIterable<Page>;
}

/**
 * Rejects with `CLUSTER_CHANGED` where the store, as it was at the known state's revision, had something else. One that was
 * restored from a backup and has passed that revision since has done other things in between. The last of them show at
 * once, in one answer; a deletion leaves no trace, so then all keys are compared. Without their values where those are
 * many: then the values of all but the newest keys count as the same where a key's revisions, version and lease are.
 */
export async function compareHistory(
  store: Store,
  range: KeyRange,
  known: KnownState,
  signal: AbortSignal,
): Promise<void> {
  const { revision, keys } = known;
  const newest = newestOf(keys.values());
  const sort = { by: "modRevision", order: "descending" } as const;
  const limit = Math.max(1, newest.length);
  const found = await store.range(range, { revision, sort, limit, signal }).catch(unlessTooLarge);
  if (found !== undefined && !isSameNewest(newest, found, keys)) throw otherHistory(revision);
  if (found !== undefined && newest.length === keys.size) return;

  // What is too large for one answer is not for pages.
  const keysOnly = found !== undefined && !withinBytes(keys.values());
  const same = keysOnly ? isSameVersion : isSame;
  let count = 0;
  for await (const page of store.pages(range, { revision, keysOnly, signal })) {
    for (const kv of page.kvs) {
      const mine = keys.get(keyId(kv.keyBytes));
      if (mine === undefined || !same(mine, kv)) throw otherHistory(revision);
    }
    count += page.kvs.length;
  }
  if (count !== keys.size) throw otherHistory(revision);
}

/** The keys changed last, newest first. */
function newestOf(keys: Iterable<KeyValue>): readonly KeyValue[] {
  let newest: KeyValue[] = [];
  let oldest = -1n;
  for (const kv of keys) {
    if (kv.modRevision <= oldest) continue;
    newest.push(kv);
    if (newest.length >= 10 * NEWEST_KEYS) {
      newest = newestFirst(newest);
      oldest = newest.at(-1)?.modRevision ?? oldest;
    }
  }
  newest = newestFirst(newest);
  let bytes = 0;
  const end = newest.findIndex((kv) => (bytes += kv.value.length) > VALUE_BYTES);
  return end === -1 ? newest : newest.slice(0, Math.max(1, end));
}

function newestFirst(keys: readonly KeyValue[]): KeyValue[] {
  return keys.toSorted((a, b) => (a.modRevision > b.modRevision ? -1 : 1)).slice(0, NEWEST_KEYS);
}

function isSameNewest(
  newest: readonly KeyValue[],
  { count, kvs }: RangeResult,
  keys: ReadonlyMap<string, KeyValue>,
): boolean {
  if (count !== BigInt(keys.size) || kvs.length !== newest.length) return false;
  // Keys of the revision at which the limit cuts may be others here and there, but it is the same revision.
  if (newest.at(-1)?.modRevision !== kvs.at(-1)?.modRevision) return false;
  return kvs.every((kv) => {
    const mine = keys.get(keyId(kv.keyBytes));
    return mine !== undefined && isSame(mine, kv);
  });
}

function withinBytes(keys: Iterable<KeyValue>): boolean {
  let bytes = 0;
  for (const { value } of keys) if ((bytes += value.length) > VALUE_BYTES) return false;
  return true;
}

function unlessTooLarge(error: unknown): undefined {
  if (!isEtcdError(error, "RESPONSE_TOO_LARGE")) throw error;
}

function otherHistory(revision: bigint): EtcdError {
  return new EtcdError("CLUSTER_CHANGED", `the store shows another revision ${revision} than it once did`);
}
