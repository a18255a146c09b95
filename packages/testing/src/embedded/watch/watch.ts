import { WatchFilterType, type WatchCreateRequest } from "@quorumkit/proto";
import type { StoredEvent } from "../mvcc/store.ts";

/**
 * - `synced`: it has been told everything there was, and is told of every commit as it happens.
 * - `behind`: it is told from the store's history, in batches.
 * - `compacted`: what it has not been told is gone. It gets nothing more, but its id is taken until the client cancels
 *   it, and a progress request finds it out of sync: so it is with etcd.
 */
export type WatchStanding = "synced" | "behind" | "compacted";

/** One watch of a stream. */
export class Watch {
  readonly id: bigint;
  readonly key: Buffer;
  /** `undefined`: the one key; empty: all keys from it on. */
  readonly end: Buffer | undefined;
  readonly startRevision: bigint;
  readonly prevKv: boolean;
  readonly fragment: boolean;
  readonly progressNotify: boolean;
  readonly #filters: ReadonlySet<StoredEvent["type"] | undefined>;
  standing: WatchStanding;
  /** The first revision that it may still be told of. */
  next: bigint;
  /** Whether a progress notification is worth its while: no events since the last one was due. */
  isQuiet = true;

  constructor(id: bigint, request: WatchCreateRequest, revision: bigint) {
    this.id = id;
    ({ key: this.key, end: this.end } = watchedRange(request));
    this.startRevision = request.startRevision;
    this.prevKv = request.prevKv;
    this.fragment = request.fragment;
    this.progressNotify = request.progressNotify;
    this.#filters = new Set(request.filters.map(hiddenType));
    this.standing = this.startRevision > revision || this.startRevision === 0n ? "synced" : "behind";
    this.next = this.startRevision === 0n ? revision + 1n : this.startRevision;
  }

  matches(key: Buffer): boolean {
    if (this.end === undefined) return this.key.equals(key);
    return key.compare(this.key) >= 0 && (this.end.length === 0 || key.compare(this.end) < 0);
  }

  /** Without what the client did not want to hear of. */
  wanted(events: readonly StoredEvent[]): readonly StoredEvent[] {
    return this.#filters.size === 0 ? events : events.filter(({ type }) => !this.#filters.has(type));
  }
}

/** What a request watches: no key is the smallest one, and an end of one zero byte is no end. */
export function watchedRange(request: Pick<WatchCreateRequest, "key" | "rangeEnd">): {
  readonly key: Buffer;
  readonly end: Buffer | undefined;
} {
  const key = request.key.length === 0 ? Buffer.of(0) : request.key;
  if (request.rangeEnd.length === 0) return { key, end: undefined };
  const isOpen = request.rangeEnd.length === 1 && request.rangeEnd[0] === 0;
  return { key, end: isOpen ? Buffer.alloc(0) : request.rangeEnd };
}

function hiddenType(filter: WatchFilterType): StoredEvent["type"] | undefined {
  if (filter === WatchFilterType.NOPUT) return "put";
  return filter === WatchFilterType.NODELETE ? "delete" : undefined;
}
