import type { KeyValue } from "@quorumkit/proto";
import type { KeySpan } from "./key-span.ts";

/** One change of one key. */
export interface StoredEvent {
  readonly type: "put" | "delete";
  /** The key after the change. Of a delete: its key and modRevision, all else zero. */
  readonly kv: KeyValue;
  /** The key before the change: in an answer of {@link WriteTx} right before it, in a {@link Commit} one revision before. */
  readonly prevKv: KeyValue | undefined;
}

/** What one revision changed: whole, and in the order of the changes. Never empty. */
export interface Commit {
  readonly revision: bigint;
  readonly events: readonly StoredEvent[];
}

/** How to read a span. */
export interface ReadOptions {
  /** Read the store as it was; 0 or less: as it is. */
  readonly revision?: bigint;
  /** No more than this many keys; 0: all. */
  readonly limit?: number;
  readonly countOnly?: boolean;
}

export interface ReadResult {
  /** In the order of the keys. */
  readonly kvs: KeyValue[];
  /** All keys in the span, whatever the limit. */
  readonly count: number;
  /** The store's revision at this moment, not the one that was asked for. */
  readonly revision: bigint;
}

/** What can be read. */
export interface Reader {
  /** @throws StatusError compacted; future revision */
  read(span: KeySpan, options?: ReadOptions): ReadResult;
  /** The key as it is; `undefined`: there is none. */
  get(key: Uint8Array): KeyValue | undefined;
}

/** A write that is going on: sees its own changes. */
export interface WriteTx extends Reader {
  /** The revision it will have, if it changes something. */
  readonly revision: bigint;
  /** Whether it has changed something. */
  readonly hasChanges: boolean;
  /** The store as it is, in the order of the keys. */
  range(span: KeySpan): KeyValue[];
  put(key: Buffer, value: Buffer, leaseId: bigint): StoredEvent;
  delete(span: KeySpan): readonly StoredEvent[];
}
