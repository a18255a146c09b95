import type { Watch } from "./watch.ts";

/** The watches of a stream, found by id and by key. */
export class WatchSet {
  readonly #byId = new Map<bigint, Watch>();
  readonly #byKey = new Map<string, Set<Watch>>();
  readonly #ranges = new Set<Watch>();

  get size(): number {
    return this.#byId.size;
  }

  get(id: bigint): Watch | undefined {
    return this.#byId.get(id);
  }

  /** In the order in which they were added. */
  all(): IterableIterator<Watch> {
    return this.#byId.values();
  }

  add(watch: Watch): void {
    this.#byId.set(watch.id, watch);
    if (watch.end !== undefined) {
      this.#ranges.add(watch);
      return;
    }
    const name = watch.key.toString("latin1");
    const sameKey = this.#byKey.get(name);
    if (sameKey) sameKey.add(watch);
    else this.#byKey.set(name, new Set([watch]));
  }

  delete(watch: Watch): void {
    this.#byId.delete(watch.id);
    this.#ranges.delete(watch);
    const name = watch.key.toString("latin1");
    const sameKey = this.#byKey.get(name);
    sameKey?.delete(watch);
    if (sameKey?.size === 0) this.#byKey.delete(name);
  }

  clear(): void {
    this.#byId.clear();
    this.#byKey.clear();
    this.#ranges.clear();
  }

  /** The watches that a key's events are for. */
  *matching(key: Buffer): IterableIterator<Watch> {
    if (this.#byKey.size > 0) yield* this.#byKey.get(key.toString("latin1")) ?? [];
    for (const watch of this.#ranges) if (watch.matches(key)) yield watch;
  }
}
