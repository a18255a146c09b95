import type { KeyValue } from "../kv/key-value.ts";

/** A key that is owned, as it was left by the last transaction that was answered. */
export class OwnedKey {
  readonly id: string;
  /** The create revision of the ownership key: which ownership it is. */
  readonly since: bigint;
  #kv: KeyValue | undefined;
  #revision: bigint;
  #writing = 0;

  constructor(id: string, since: bigint, kv: KeyValue | undefined, revision: bigint) {
    this.id = id;
    this.since = since;
    this.#kv = kv;
    this.#revision = revision;
  }

  get kv(): KeyValue | undefined {
    return this.#kv;
  }

  /**
   * Whether this is what etcd has. Not while writes are under way: others may have seen them already, so they may be applied
   * or not, and a read has to ask.
   */
  get settled(): boolean {
    return this.#writing === 0;
  }

  beginWrite(): void {
    this.#writing += 1;
  }

  endWrite(): void {
    this.#writing -= 1;
  }

  /** Takes in how the key was at a revision; answers may come in another order than they were given. */
  learn(kv: KeyValue | undefined, revision: bigint): void {
    if (revision < this.#revision) return;
    this.#revision = revision;
    this.#kv = kv;
  }
}

/** The keys that are owned, so many at most; the one used longest ago comes first. */
export class OwnedKeys {
  readonly #max: number;
  readonly #keys = new Map<string, OwnedKey>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#keys.size;
  }

  all(): readonly OwnedKey[] {
    return [...this.#keys.values()];
  }

  get(id: string): OwnedKey | undefined {
    return this.#keys.get(id);
  }

  /** As {@link get}, and counts as a use. */
  use(id: string): OwnedKey | undefined {
    const owned = this.#keys.get(id);
    if (owned !== undefined) {
      this.#keys.delete(id);
      this.#keys.set(id, owned);
    }
    return owned;
  }

  /** Gives the key that is one too many. */
  add(owned: OwnedKey): OwnedKey | undefined {
    this.#keys.delete(owned.id);
    this.#keys.set(owned.id, owned);
    if (this.#keys.size <= this.#max) return undefined;
    const [oldest] = this.#keys.values();
    return oldest;
  }

  /** Forgets the key if it has been owned since `revision` or before. */
  forget(id: string, revision: bigint): void {
    const owned = this.#keys.get(id);
    if (owned !== undefined && owned.since <= revision) this.#keys.delete(id);
  }

  clear(): void {
    this.#keys.clear();
  }
}
