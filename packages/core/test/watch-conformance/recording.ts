import type { KeyValue, WatchBatch, WatchEvent } from "@quorumkit/core";
import type {
  PreviousVersion,
  WatchChange,
  WatchedBatch,
  WatchRecording,
  WatchRequest,
} from "@quorumkit/testing/history";

/** A recording that still goes on. */
export interface Recording extends WatchRecording {
  readonly batches: WatchedBatch[];
}

export function toBatch({ revision, events }: WatchBatch): WatchedBatch {
  return { revision, changes: events.map(toChange) };
}

function toChange({ type, kv, prevKv, isCreate, key }: WatchEvent): WatchChange {
  return { revision: kv.modRevision, type, key, value: kv.text(), isCreate, previous: toVersion(prevKv) };
}

export function toVersion(kv: KeyValue | undefined): PreviousVersion | undefined {
  return kv === undefined ? undefined : { value: kv.text(), modRevision: kv.modRevision };
}

/** Whether the watch is to deliver this change. */
export function matches({ range, filters }: WatchRequest, { key, type }: WatchChange): boolean {
  const within = "key" in range ? key === range.key : key.startsWith(range.prefix);
  return within && !filters.includes(type);
}
