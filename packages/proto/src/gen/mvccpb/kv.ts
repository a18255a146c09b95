// Generated from proto/**/*.proto by scripts/generate.mjs. Do not edit.

/** One key with its value, as stored at one revision. */
export interface KeyValue {
  readonly key: Buffer;
  /** Store revision at which this life of the key began. */
  readonly createRevision: bigint;
  /** Store revision of the last write to the key. */
  readonly modRevision: bigint;
  /** Number of writes since the key was created: 1 for a new key, 0 on the tombstone of a delete. */
  readonly version: bigint;
  readonly value: Buffer;
  /** Lease the key is attached to; 0: none. */
  readonly lease: bigint;
}

/** {@link KeyValue} to be encoded. */
export interface KeyValueInput {
  key?: Uint8Array | undefined;
  createRevision?: bigint | undefined;
  modRevision?: bigint | undefined;
  version?: bigint | undefined;
  value?: Uint8Array | undefined;
  lease?: bigint | undefined;
}

export const EventType = {
  PUT: 0,
  DELETE: 1,
} as const;
export type EventType = (typeof EventType)[keyof typeof EventType];

/** One change, as a watch reports it. */
export interface Event {
  readonly type: EventType;
  /** The key after the change. On DELETE only its key and modRevision say something. */
  readonly kv: KeyValue | null;
  /** The key before the change, where the watch asked for it and the store still has it. */
  readonly prevKv: KeyValue | null;
}

/** {@link Event} to be encoded. */
export interface EventInput {
  type?: EventType | undefined;
  kv?: KeyValueInput | null | undefined;
  prevKv?: KeyValueInput | null | undefined;
}
