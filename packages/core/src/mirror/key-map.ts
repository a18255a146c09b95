import type { KeyValue } from "../kv/key-value.ts";
import type { WatchEvent } from "../watch/watch-event.ts";
import { isSame } from "./same-history.ts";

/** One real change of one key. */
export type KeyChange =
  | {
      readonly type: "put";
      readonly key: string;
      readonly kv: KeyValue;
      readonly previous: KeyValue | undefined;
    }
  | { readonly type: "delete"; readonly key: string; readonly kv?: undefined; readonly previous: KeyValue };

/** Keys by their bytes, and what becomes different when events or a new listing come in. */
export class KeyMap {
  #byKey = new Map<string, KeyValue>();

  get size(): number {
    return this.#byKey.size;
  }

  get(key: Uint8Array): KeyValue | undefined {
    return this.#byKey.get(idOf(key));
  }

  values(): IterableIterator<KeyValue> {
    return this.#byKey.values();
  }

  /** Takes in events, in order. What is known already, since a listing contained it, is no change. */
  follow(events: readonly WatchEvent[]): readonly KeyChange[] {
    const changes: KeyChange[] = [];
    for (const { type, kv } of events) {
      const id = idOf(kv.keyBytes);
      const previous = this.#byKey.get(id);
      if (previous !== undefined && previous.modRevision >= kv.modRevision) continue;
      if (type === "put") {
        this.#byKey.set(id, kv);
        changes.push({ type, key: kv.key, kv, previous });
      } else if (previous !== undefined) {
        this.#byKey.delete(id);
        changes.push({ type, key: kv.key, previous });
      }
    }
    return changes;
  }

  /** Takes a complete listing as the new state. */
  replaceAll(listed: readonly KeyValue[]): readonly KeyChange[] {
    const next = new Map(listed.map((kv) => [idOf(kv.keyBytes), kv]));
    const changes: KeyChange[] = [];
    for (const [id, previous] of this.#byKey) {
      if (!next.has(id)) changes.push({ type: "delete", key: previous.key, previous });
    }
    for (const [id, kv] of next) {
      const previous = this.#byKey.get(id);
      if (previous === undefined || !isSame(previous, kv))
        changes.push({ type: "put", key: kv.key, kv, previous });
    }
    this.#byKey = next;
    return changes;
  }
}

/** Keys are bytes and need not be UTF-8; latin1 maps every byte to one character and back. */
function idOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}
