import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import { compare } from "../txn/compare.ts";
import { op } from "../txn/op.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import type { QueueClient } from "./queue-client.ts";

/**
 * Watches one key of ours until somebody else deletes or replaces it. Neither a living lease nor an answered keep-alive
 * proves that the key still exists (etcd#14758), and an operator may delete it at any time, so it is watched for as long
 * as it means something: while waiting and while owning.
 */
export class KeyWatch {
  readonly #client: QueueClient;
  readonly #key: string;
  readonly #createRevision: bigint;
  readonly #gone = new AbortController();
  readonly #closed = new AbortController();
  #done: Promise<void> = Promise.resolve();

  private constructor(client: QueueClient, key: string, createRevision: bigint) {
    this.#client = client;
    this.#key = key;
    this.#createRevision = createRevision;
  }

  /** Starts to watch from `fromRevision`, the first one at which the key has not been seen. */
  static start(client: QueueClient, key: string, createRevision: bigint, fromRevision: bigint): KeyWatch {
    const watch = new KeyWatch(client, key, createRevision);
    watch.#done = watch.#run(fromRevision);
    return watch;
  }

  /** Aborted with `KEY_DELETED` when the key, as it was created, is no more. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#done;
  }

  async #run(fromRevision: bigint): Promise<void> {
    let next = fromRevision;
    let attempt = 0;
    const closed = this.#closed.signal;
    while (!closed.aborted) {
      try {
        for await (const batch of this.#client.watch(this.#key, { startRevision: next, signal: closed })) {
          const replaced = batch.events.some(
            ({ type, kv }) => type === "delete" || kv.createRevision !== this.#createRevision,
          );
          if (replaced) return this.#lose();
          attempt = 0;
        }
      } catch (error) {
        // A closed client ends the session too, and that tells the owner.
        if (isEtcdError(error, "CLOSED")) return;
      }
      // The history from here on is gone, or the watch was refused: look at the key, and watch on from there.
      await pause(backoffMs(attempt++, { initialMs: 50, maxMs: 5_000 }), closed);
      if (closed.aborted) return;
      const seen = await this.#look().catch(() => undefined);
      if (seen === undefined) continue;
      if (!seen.exists) return this.#lose();
      next = seen.revision + 1n;
    }
  }

  async #look(): Promise<{ exists: boolean; revision: bigint }> {
    const { succeeded, revision } = await this.#client
      .txn()
      .if(compare(this.#key).createRevision.equals(this.#createRevision))
      // Not empty: etcd answers a transaction without operations from the member's own, perhaps old, state.
      .else(op.get(this.#key))
      .commit({ signal: this.#closed.signal, repeatable: true });
    return { exists: succeeded, revision };
  }

  #lose(): void {
    if (this.#closed.signal.aborted) return;
    this.#gone.abort(new EtcdError("KEY_DELETED", `${this.#key} was deleted or replaced by somebody else`));
  }
}
