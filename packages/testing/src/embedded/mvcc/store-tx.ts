import type { KeyValue } from "@quorumkit/proto";
import { errors } from "../errors.ts";
import type { KeyHistory, Version } from "./key-history.ts";
import type { KeyIndex } from "./key-index.ts";
import type { KeySpan } from "./key-span.ts";
import { ownBytes } from "./own-bytes.ts";
import type { ReadOptions, ReadResult, StoredEvent, WriteTx } from "./types.ts";

const nothing = Buffer.alloc(0);

interface Change {
  readonly history: KeyHistory;
  readonly event: StoredEvent;
}

/** How the store looked, or looks, to somebody who may know of one revision more than the others. */
export function readIndex(
  index: KeyIndex,
  { current, compacted }: { readonly current: bigint; readonly compacted: bigint },
  span: KeySpan,
  { revision = 0n, limit = 0, countOnly = false }: ReadOptions,
): ReadResult {
  if (revision > current) throw errors.futureRevision();
  const isPast = revision > 0n && revision < current;
  if (isPast && revision < compacted) throw errors.compacted();
  if (!countOnly) return { ...index.read(span, isPast ? revision : undefined, limit), revision: current };
  let count = 0;
  index.visit(span, (history) => {
    if ((isPast ? history.at(revision) : history.current) !== undefined) count += 1;
  });
  return { kvs: [], count, revision: current };
}

/** A write that is going on. Changes the index at once; {@link undo} takes everything back. */
export class StoreTx implements WriteTx {
  readonly #index: KeyIndex;
  readonly #before: bigint;
  readonly #compacted: bigint;
  readonly #changes: Change[] = [];
  readonly revision: bigint;
  #changedKeyTwice = false;

  constructor(index: KeyIndex, before: bigint, compacted: bigint) {
    this.#index = index;
    this.#before = before;
    this.#compacted = compacted;
    this.revision = before + 1n;
  }

  get hasChanges(): boolean {
    return this.#changes.length > 0;
  }

  get(key: Uint8Array): KeyValue | undefined {
    return this.#index.find(key)?.current;
  }

  range(span: KeySpan): KeyValue[] {
    return this.#index.read(span, undefined, 0).kvs;
  }

  read(span: KeySpan, options: ReadOptions = {}): ReadResult {
    const current = this.hasChanges ? this.revision : this.#before;
    return readIndex(this.#index, { current, compacted: this.#compacted }, span, options);
  }

  put(key: Buffer, value: Buffer, leaseId: bigint): StoredEvent {
    const history = this.#index.findOrAdd(key);
    const previous = history.current;
    const kv: KeyValue = {
      key: history.key,
      createRevision: previous?.createRevision ?? this.revision,
      modRevision: this.revision,
      version: (previous?.version ?? 0n) + 1n,
      value: ownBytes(value),
      lease: leaseId,
    };
    return this.#change(history, { type: "put", kv, prevKv: previous });
  }

  delete(span: KeySpan): readonly StoredEvent[] {
    const existing: [KeyHistory, KeyValue][] = [];
    this.#index.visit(span, (history) => {
      const { current } = history;
      if (current !== undefined) existing.push([history, current]);
    });
    return existing.map(([history, prevKv]) => {
      const kv: KeyValue = {
        key: history.key,
        createRevision: 0n,
        modRevision: this.revision,
        version: 0n,
        value: nothing,
        lease: 0n,
      };
      return this.#change(history, { type: "delete", kv, prevKv });
    });
  }

  /** The changes as others see them. */
  events(): readonly StoredEvent[] {
    if (!this.#changedKeyTwice) return this.#changes.map(({ event }) => event);
    return this.#changes.map(({ history, event: { type, kv } }) => {
      // etcd looks for the previous value one revision earlier, and does not look for that of a new key.
      const isNew = kv.createRevision === kv.modRevision;
      return { type, kv, prevKv: isNew ? undefined : history.at(this.#before) };
    });
  }

  undo(): void {
    for (const { event } of this.#changes.splice(0).reverse()) this.#index.pop(event.kv.key);
  }

  #change(history: KeyHistory, event: StoredEvent): StoredEvent {
    if (history.last?.kv.modRevision === this.revision) this.#changedKeyTwice = true;
    const version: Version = { kv: event.kv, deleted: event.type === "delete", sub: this.#changes.length };
    this.#index.add(history, version);
    this.#changes.push({ history, event });
    return event;
  }
}
