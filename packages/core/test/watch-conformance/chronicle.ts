import { type EtcdClient, isEtcdError, type KeyValue } from "@quorumkit/core";
import type { TrueLog, WatchChange } from "@quorumkit/testing/history";
import { toVersion } from "./recording.ts";

/** Revisions read at a time. */
const CHUNK = 50;

/**
 * Writes down what happens to the keys of a prefix, without any watch: it looks at every single revision. Before history
 * is compacted it has to catch up.
 */
export class Chronicle {
  readonly #etcd: EtcdClient;
  readonly #prefix: string;
  readonly #changes: WatchChange[] = [];
  #state = new Map<string, KeyValue>();
  #until: bigint;
  #compacted = 0n;

  /** To be begun while the prefix is empty, at the store's revision. */
  constructor(etcd: EtcdClient, prefix: string, revision: bigint) {
    this.#etcd = etcd;
    this.#prefix = prefix;
    this.#until = revision;
  }

  get log(): TrueLog {
    return { changes: this.#changes, until: this.#until, compacted: this.#compacted };
  }

  /** Reads up to where the store is now. */
  async catchUp(): Promise<void> {
    const { revision: head } = await insist(() =>
      this.#etcd.range({ prefix: this.#prefix }, { countOnly: true }),
    );
    while (this.#until < head) {
      const count = Math.min(CHUNK, Number(head - this.#until));
      const revisions = Array.from({ length: count }, (_, index) => this.#until + BigInt(index) + 1n);
      const states = await Promise.all(
        revisions.map((revision) => insist(() => this.#etcd.range({ prefix: this.#prefix }, { revision }))),
      );
      for (const [index, { kvs }] of states.entries()) this.#took(revisions[index] ?? 0n, kvs);
    }
  }

  /** Compacts everything up to a new revision, which changes another key. */
  async compact(): Promise<void> {
    // Not at a deletion of a watched key: some servers lose that when a watch begins there (etcd#18089, before 3.5.18).
    const { revision } = await insist(() => this.#etcd.put("elsewhere", ""));
    await this.catchUp();
    await this.#etcd.compact(revision).catch((error: unknown) => {
      // The answer to an earlier try was lost.
      if (!isEtcdError(error)) throw error;
    });
    this.#compacted = revision;
  }

  #took(revision: bigint, kvs: readonly KeyValue[]): void {
    const state = new Map(kvs.map((kv) => [kv.key, kv]));
    for (const [key, before] of this.#state) {
      if (state.has(key)) continue;
      const previous = toVersion(before);
      this.#changes.push({ revision, type: "delete", key, value: "", isCreate: false, previous });
    }
    for (const [key, kv] of state) {
      if (kv.modRevision !== revision) continue;
      const previous = toVersion(this.#state.get(key));
      const isCreate = previous === undefined;
      this.#changes.push({ revision, type: "put", key, value: kv.text(), isCreate, previous });
    }
    this.#state = state;
    this.#until = revision;
  }
}

/** Tries until it is answered, whatever happens to the members meanwhile. */
export async function insist<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isEtcdError(error, "UNAVAILABLE", "TIMEOUT", "NO_LEADER", "INTERNAL")) throw error;
    }
  }
}
