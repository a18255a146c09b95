import type { KeyValue } from "@quorumkit/proto";
import { errors } from "../errors.ts";
import { CommitLog } from "./commit-log.ts";
import { hashOf } from "./hash.ts";
import { KeyIndex } from "./key-index.ts";
import type { KeySpan } from "./key-span.ts";
import { StoreTx, readIndex } from "./store-tx.ts";
import type { Commit, ReadOptions, ReadResult, Reader, WriteTx } from "./types.ts";

export type { KeySpan } from "./key-span.ts";
export type { Commit, ReadOptions, ReadResult, Reader, StoredEvent, WriteTx } from "./types.ts";

const firstRevision = 1n;

/** What etcd has for "never compacted", and shows in the answer of HashKV. */
const neverCompacted = -1n;

/**
 * The keys with their history, as etcd keeps it (server/storage/mvcc): every write that changes something makes one
 * revision, the past can be read until it is compacted. All of it is synchronous and in memory.
 */
export class MvccStore implements Reader {
  readonly #index = new KeyIndex();
  readonly #log = new CommitLog();
  // Replaced, not changed, so that what a listener adds or takes back does not meet the round it is in.
  #commitListeners: readonly ((commit: Commit) => void)[] = [];
  #resetListeners: readonly (() => void)[] = [];
  /** Commits that listeners were not told of yet. */
  readonly #untold: Commit[] = [];
  #revision = firstRevision;
  #compactRevision = neverCompacted;
  #isWriting = false;
  #isTelling = false;

  /** The revision of the last change; 1 in a new store. */
  get revision(): bigint {
    return this.#revision;
  }

  /** The oldest revision that can be read, if the store was compacted; -1: it was not. */
  get compactRevision(): bigint {
    return this.#compactRevision;
  }

  /**
   * The keys of a span in order, at a revision (0 or less, or none: now).
   * @throws {StatusError} compacted; future revision
   */
  range(span: KeySpan, atRevision: bigint = 0n): readonly KeyValue[] {
    return this.read(span, { revision: atRevision }).kvs;
  }

  /** @throws {StatusError} compacted; future revision */
  read(span: KeySpan, options: ReadOptions = {}): ReadResult {
    const view = { current: this.#revision, compacted: this.#compactRevision };
    return readIndex(this.#index, view, span, options);
  }

  get(key: Uint8Array): KeyValue | undefined {
    return this.#index.find(key)?.current;
  }

  /**
   * Does `work`, which sees its own changes, as one revision; if it throws, nothing was changed.
   * Listeners are told before this returns, unless one of them is the caller: then right after the commit they work on.
   */
  write<T>(work: (tx: WriteTx) => T): T {
    if (this.#isWriting) throw new Error("a write cannot begin inside another");
    const tx = new StoreTx(this.#index, this.#revision, this.#compactRevision);
    this.#isWriting = true;
    let result: T;
    try {
      result = work(tx);
    } catch (error) {
      tx.undo();
      throw error;
    } finally {
      this.#isWriting = false;
    }
    if (tx.hasChanges) this.#commit({ revision: tx.revision, events: tx.events() });
    return result;
  }

  /**
   * Forgets what was before a revision; that revision can still be read.
   * @throws {StatusError} compacted (already, up to there or further); future revision
   */
  compact(revision: bigint): void {
    if (revision <= this.#compactRevision) throw errors.compacted();
    if (revision > this.#revision) throw errors.futureRevision();
    this.#compactRevision = revision;
    // Only keys that changed since the last compaction have something to lose.
    for (const { events } of this.#log.compact(revision))
      for (const { kv } of events) this.#index.compact(kv.key, revision);
  }

  /**
   * The commits from a revision on, with it.
   * @throws {StatusError} compacted
   */
  commitsSince(revision: bigint): Iterable<Commit> {
    if (revision < this.#compactRevision) throw errors.compacted();
    return this.#log.since(revision);
  }

  /** Calls the listener with each commit from now on. @returns a function that ends this. */
  onCommit(listener: (commit: Commit) => void): () => void {
    this.#commitListeners = [...this.#commitListeners, listener];
    return () => {
      this.#commitListeners = this.#commitListeners.filter((each) => each !== listener);
    };
  }

  /** Calls the listener after {@link rollBackTo} and {@link clear}. @returns a function that ends this. */
  onReset(listener: () => void): () => void {
    this.#resetListeners = [...this.#resetListeners, listener];
    return () => {
      this.#resetListeners = this.#resetListeners.filter((each) => each !== listener);
    };
  }

  /**
   * Goes back to an earlier revision, as a restored backup does: what came later is gone, and later writes use its
   * revisions again.
   * @throws {StatusError} compacted; future revision
   */
  rollBackTo(revision: bigint): void {
    if (revision > this.#revision) throw errors.futureRevision();
    if (revision < firstRevision || revision < this.#compactRevision) throw errors.compacted();
    for (const { events } of this.#log.rollBackTo(revision))
      for (const { kv } of events.toReversed()) this.#index.pop(kv.key);
    this.#revision = revision;
    this.#reset();
  }

  /** Begins anew: no keys, no history, revision 1. */
  clear(): void {
    this.#index.clear();
    this.#log.clear();
    this.#revision = firstRevision;
    this.#compactRevision = neverCompacted;
    this.#reset();
  }

  /**
   * etcd's hash over the history up to a revision (0 or none: all of it), the same number as a real etcd gives.
   * @throws {StatusError} compacted; future revision
   */
  hash(revision: bigint = 0n): number {
    if (revision > 0n && revision < this.#compactRevision) throw errors.compacted();
    if (revision > this.#revision) throw errors.futureRevision();
    const upTo = revision === 0n ? this.#revision : revision;
    return hashOf(this.#index, this.#compactRevision, upTo);
  }

  /** About what etcd would need for it. */
  sizeBytes(): number {
    return this.#index.bytes;
  }

  #commit(commit: Commit): void {
    this.#revision = commit.revision;
    this.#log.add(commit);
    this.#untold.push(commit);
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      for (let next = this.#untold.shift(); next !== undefined; next = this.#untold.shift())
        for (const listener of this.#commitListeners) listener(next);
    } finally {
      this.#isTelling = false;
    }
  }

  #reset(): void {
    this.#untold.length = 0;
    for (const listener of this.#resetListeners) listener();
  }
}
