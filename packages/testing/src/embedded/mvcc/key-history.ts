import type { KeyValue } from "@quorumkit/proto";

/** A key after one change of it. */
export interface Version {
  /** Of a delete: key and modRevision, all else zero. */
  readonly kv: KeyValue;
  readonly deleted: boolean;
  /** Its place among the changes of its revision. */
  readonly sub: number;
}

/** All versions of one key that the store still has, the oldest first. */
export class KeyHistory {
  readonly name: string;
  readonly key: Buffer;
  /** In the order of their revisions; one revision may hold several. */
  readonly #versions: Version[] = [];

  constructor(name: string, key: Buffer) {
    this.name = name;
    this.key = key;
  }

  get isEmpty(): boolean {
    return this.#versions.length === 0;
  }

  get last(): Version | undefined {
    return this.#versions.at(-1);
  }

  /** The key as it is; `undefined`: it does not exist. */
  get current(): KeyValue | undefined {
    const { last } = this;
    return last === undefined || last.deleted ? undefined : last.kv;
  }

  /** The key as it was at a revision; `undefined`: it did not exist. */
  at(revision: bigint): KeyValue | undefined {
    const version = this.#versions[this.#indexAt(revision)];
    return version === undefined || version.deleted ? undefined : version.kv;
  }

  /** The last version up to a revision, a delete too. */
  versionAt(revision: bigint): Version | undefined {
    return this.#versions[this.#indexAt(revision)];
  }

  /** All versions up to a revision. */
  upTo(revision: bigint): readonly Version[] {
    return this.#versions.slice(0, this.#indexAt(revision) + 1);
  }

  add(version: Version): void {
    this.#versions.push(version);
  }

  /** Takes the last version away again. */
  pop(): Version | undefined {
    return this.#versions.pop();
  }

  /** Forgets what nobody can read any more who reads at `revision` or later. @returns what was forgotten. */
  compact(revision: bigint): readonly Version[] {
    const kept = this.#indexAt(revision);
    const version = this.#versions[kept];
    if (version === undefined) return [];
    return this.#versions.splice(0, version.deleted ? kept + 1 : kept);
  }

  /** Index of the last version up to a revision; -1: there is none. */
  #indexAt(revision: bigint): number {
    let high = this.#versions.length - 1;
    // Most reads are of the present.
    if (high >= 0 && (this.#versions[high] as Version).kv.modRevision <= revision) return high;
    let low = -1;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#versions[middle] as Version).kv.modRevision <= revision) low = middle;
      else high = middle;
    }
    return low;
  }
}
