import type { KeyValue } from "../kv/key-value.ts";
import { keyId } from "../kv/bytes.ts";
import { ownKeyValue } from "../kv/own-bytes.ts";
import type { WatchEvent } from "../watch/watch-event.ts";
import { isSame } from "./same-key.ts";

/** One real change of one key. */
export type KeyChange =
  | {
      readonly type: "put";
      readonly key: string;
      readonly kv: KeyValue;
      readonly previous: KeyValue | undefined;
    }
  | { readonly type: "delete"; readonly key: string; readonly kv?: undefined; readonly previous: KeyValue };

/**
 * Keys by their bytes, and what becomes different when events or a new listing come in. What it keeps does not hold on to
 * the message it came with, nor so to what else was in there.
 */
export class KeyMap {
  #byKey = new Map<string, KeyValue>();

  get size(): number {
    return this.#byKey.size;
  }

  get(key: Uint8Array): KeyValue | undefined {
    return this.#byKey.get(keyId(key));
  }

  values(): IterableIterator<KeyValue> {
    return this.#byKey.values();
  }

  /** What there is now by {@link keyId}, which changes no more. */
  copy(): ReadonlyMap<string, KeyValue> {
    return new Map(this.#byKey);
  }

  /** Takes in events, in order. What is known already, since a listing contained it, is no change. */
  follow(events: readonly WatchEvent[]): readonly KeyChange[] {
    const changes: KeyChange[] = [];
    for (const { type, kv: received } of events) {
      const id = keyId(received.keyBytes);
      const previous = this.#byKey.get(id);
      if (previous !== undefined && previous.modRevision >= received.modRevision) continue;
      if (type === "put") {
        const kv = ownKeyValue(received);
        this.#byKey.set(id, kv);
        changes.push({ type, key: kv.key, kv, previous });
      } else if (previous !== undefined) {
        this.#byKey.delete(id);
        changes.push({ type, key: previous.key, previous });
      }
    }
    return changes;
  }

  /** Takes a complete listing as the new state. */
  replaceAll(listed: readonly KeyValue[]): readonly KeyChange[] {
    const next = new Map(listed.map((kv) => [keyId(kv.keyBytes), ownKeyValue(kv)]));
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
