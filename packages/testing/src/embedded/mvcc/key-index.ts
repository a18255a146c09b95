import type { KeyValue } from "@quorumkit/proto";
import { KeyHistory, type Version } from "./key-history.ts";
import { type KeySpan, endOf, nameOf } from "./key-span.ts";
import { ownBytes } from "./own-bytes.ts";
import { SortedList } from "./sorted-list.ts";

/** What a version costs beyond its key and value: the room etcd's file needs for revision, lease and framing. */
const versionOverhead = 48;

function sizeOf({ kv }: Version): number {
  return kv.key.length + kv.value.length + versionOverhead;
}

/** The histories of all keys, to be found by name or walked in order. */
export class KeyIndex {
  readonly #byName = new Map<string, KeyHistory>();
  readonly #sorted = new SortedList<KeyHistory>();
  #bytes = 0;

  /** Bytes that all versions need. */
  get bytes(): number {
    return this.#bytes;
  }

  find(key: Uint8Array): KeyHistory | undefined {
    return this.#byName.get(nameOf(key));
  }

  /** The history of a key, a new one if need be. */
  findOrAdd(key: Buffer): KeyHistory {
    const name = nameOf(key);
    let history = this.#byName.get(name);
    if (history === undefined) {
      history = new KeyHistory(name, ownBytes(key));
      this.#byName.set(name, history);
      this.#sorted.insert(history);
    }
    return history;
  }

  /** Adds a version to a history of this index. */
  add(history: KeyHistory, version: Version): void {
    history.add(version);
    this.#bytes += sizeOf(version);
  }

  /** Takes the last version of a key away. */
  pop(key: Uint8Array): void {
    const history = this.find(key);
    const version = history?.pop();
    if (history === undefined || version === undefined) return;
    this.#bytes -= sizeOf(version);
    this.#removeIfEmpty(history);
  }

  /** Forgets the versions of a key that a compaction at `revision` takes. */
  compact(key: Uint8Array, revision: bigint): void {
    const history = this.find(key);
    if (history === undefined) return;
    for (const version of history.compact(revision)) this.#bytes -= sizeOf(version);
    this.#removeIfEmpty(history);
  }

  /** Calls `visit` for each history in a span, in the order of the keys; deleted keys may be among them. */
  visit(span: KeySpan, visit: (history: KeyHistory) => void): void {
    if (span.rangeEnd.length > 0) {
      this.#sorted.visit(nameOf(span.key), endOf(span), visit);
      return;
    }
    const history = this.find(span.key);
    if (history !== undefined) visit(history);
  }

  /** Calls `visit` for each history. */
  visitAll(visit: (history: KeyHistory) => void): void {
    for (const history of this.#byName.values()) visit(history);
  }

  /** The keys of a span at a revision (`undefined`: now), no more than `limit` (0: all), and how many there are. */
  read(span: KeySpan, revision: bigint | undefined, limit: number): { kvs: KeyValue[]; count: number } {
    const kvs: KeyValue[] = [];
    let count = 0;
    this.visit(span, (history) => {
      const kv = revision === undefined ? history.current : history.at(revision);
      if (kv === undefined) return;
      count += 1;
      if (limit === 0 || kvs.length < limit) kvs.push(kv);
    });
    return { kvs, count };
  }

  clear(): void {
    this.#byName.clear();
    this.#sorted.clear();
    this.#bytes = 0;
  }

  #removeIfEmpty(history: KeyHistory): void {
    if (!history.isEmpty) return;
    this.#byName.delete(history.name);
    this.#sorted.remove(history.name);
  }
}
