/** What a watch was asked for. */
export interface WatchRequest {
  /** One key, or all that begin with it. */
  readonly range: { readonly key: string } | { readonly prefix: string };
  /** The first revision wanted. */
  readonly startRevision: bigint;
  readonly prevKv: boolean;
  /** Kinds of events that are left out. */
  readonly filters: readonly ("put" | "delete")[];
}

/** What a key held before an event. */
export interface PreviousVersion {
  readonly value: string;
  readonly modRevision: bigint;
}

/** An event, as a watch delivered it or as the true log has it. */
export interface WatchChange {
  readonly revision: bigint;
  readonly type: "put" | "delete";
  readonly key: string;
  /** Empty for a deletion. */
  readonly value: string;
  /** Whether it is a put that made the key. */
  readonly isCreate: boolean;
  readonly previous: PreviousVersion | undefined;
}

/** A batch, or with no changes a bookmark (a progress notification): all up to `revision` has been delivered. */
export interface WatchedBatch {
  readonly revision: bigint;
  readonly changes: readonly WatchChange[];
}

/** Everything one watch delivered, over all connections, resumptions and processes it lived through. */
export interface WatchRecording {
  /** Names it in violations. Default: its place in the list. */
  readonly name?: string;
  readonly request: WatchRequest;
  readonly batches: readonly WatchedBatch[];
  /** For each batch the line it was read from, if it was. */
  readonly sources?: readonly string[];
}

/** What really happened: the events of every revision, in order, none missing. */
export interface TrueLog {
  readonly changes: readonly WatchChange[];
  /** The store's revision up to which the log is complete. */
  readonly until: bigint;
  /** The highest revision that was compacted; 0n for none. */
  readonly compacted: bigint;
}

/** Whether the watch is to deliver this change. */
export function matches({ range, filters }: WatchRequest, { key, type }: WatchChange): boolean {
  const within = "key" in range ? key === range.key : key.startsWith(range.prefix);
  return within && !filters.includes(type);
}

/** Names a change, for comparisons and for messages. */
export function idOf({ revision, type, key, value }: WatchChange): string {
  return `${revision} ${type} ${key} ${value}`;
}
