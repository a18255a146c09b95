import { EventType, type Event as WireEvent } from "@quorumkit/proto";
import { EtcdError } from "../errors/etcd-error.ts";
import { KeyValue, toKeyValue } from "../kv/key-value.ts";

/** One change of one key. */
export class WatchEvent {
  readonly #wire: WireEvent;
  #kv: KeyValue | undefined;

  constructor(wire: WireEvent) {
    this.#wire = wire;
  }

  get type(): "put" | "delete" {
    return this.#wire.type === EventType.DELETE ? "delete" : "put";
  }

  /** The key after the change. Of a deleted key only the name and `modRevision`, the revision of the deletion, are set. */
  get kv(): KeyValue {
    if (this.#wire.kv === null) throw new EtcdError("PROTOCOL", "a watch event came without a key");
    return (this.#kv ??= new KeyValue(this.#wire.kv));
  }

  /** The key's name as UTF-8 text. */
  get key(): string {
    return this.kv.key;
  }

  /** The key before the change, where `prevKv` was asked for, the key existed, and that revision is not compacted. */
  get prevKv(): KeyValue | undefined {
    return toKeyValue(this.#wire.prevKv);
  }

  /** Whether this put made the key. */
  get isCreate(): boolean {
    return this.type === "put" && this.kv.createRevision === this.kv.modRevision;
  }

  /** For JSON.stringify: the change with its key, as {@link KeyValue} prints it. */
  toJSON(): Record<string, unknown> {
    return { type: this.type, kv: this.kv, prevKv: this.prevKv };
  }
}

/**
 * What a watch delivers at a time: all events up to a revision, in the order of revisions. A revision is never spread
 * over two batches, so {@link revision} is a place from which another watch can go on, with `revision + 1n`.
 */
export interface WatchBatch {
  /** Empty for a progress notification. */
  readonly events: readonly WatchEvent[];
  /** Everything up to and including this revision has been delivered. */
  readonly revision: bigint;
}
