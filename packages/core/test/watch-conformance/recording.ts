import type { KeyValue, WatchBatch, WatchEvent } from "@quorumkit/core";

/** What a watch was asked for. */
export interface WatchRequest {
  /** One key, or all that begin with it. */
  readonly range: { readonly key: string } | { readonly prefix: string };
  readonly startRevision: bigint;
  readonly prevKv: boolean;
  readonly filters: readonly ("put" | "delete")[];
}

export interface Version {
  readonly value: string;
  readonly modRevision: bigint;
}

/** An event, as a watch delivered it or as the log has it. */
export interface Change {
  readonly revision: bigint;
  readonly type: "put" | "delete";
  readonly key: string;
  /** Empty for a deletion. */
  readonly value: string;
  readonly isCreate: boolean;
  readonly previous: Version | undefined;
}

/** A batch, or with no changes a progress notification. */
export interface RecordedBatch {
  readonly revision: bigint;
  readonly changes: readonly Change[];
}

/** Everything one watch delivered, over all connections, resumptions and processes it lived through. */
export interface Recording {
  readonly request: WatchRequest;
  readonly batches: RecordedBatch[];
}

/** What really happened, complete between two revisions. */
export interface TrueLog {
  readonly changes: readonly Change[];
  /** The store's revision up to which the log is complete. */
  readonly until: bigint;
  /** The highest revision that was compacted. */
  readonly compacted: bigint;
}

export function toBatch({ revision, events }: WatchBatch): RecordedBatch {
  return { revision, changes: events.map(toChange) };
}

function toChange({ type, kv, prevKv, isCreate, key }: WatchEvent): Change {
  return { revision: kv.modRevision, type, key, value: kv.text(), isCreate, previous: toVersion(prevKv) };
}

export function toVersion(kv: KeyValue | undefined): Version | undefined {
  return kv === undefined ? undefined : { value: kv.text(), modRevision: kv.modRevision };
}

/** Whether the watch is to deliver this change. */
export function matches({ range, filters }: WatchRequest, { key, type }: Change): boolean {
  const within = "key" in range ? key === range.key : key.startsWith(range.prefix);
  return within && !filters.includes(type);
}

/** Names a change, for comparisons and for messages. */
export function idOf({ revision, type, key, value }: Change): string {
  return `${revision} ${type} ${key} ${value}`;
}
