import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import { compare } from "../txn/compare.ts";
import { op } from "../txn/op.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import type { Watcher } from "../watch/watcher.ts";
import type { QueueClient } from "./queue-client.ts";
import { onReturn } from "./watch-return.ts";

const RETRY = { initialMs: 50, maxMs: 5_000 };

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
  #looking: Promise<unknown> = Promise.resolve();

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

  /** Aborted with `KEY_DELETED` when the key, as it was created, is no more; with `CLOSED` when its client watches no more. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all([this.#done, this.#looking]);
  }

  async #run(fromRevision: bigint): Promise<void> {
    try {
      if (await this.#isGoneFrom(fromRevision)) this.#lose();
    } catch (error) {
      // The session may be the caller's and live on, but nobody could tell any more whether the key is there.
      if (error instanceof EtcdError) this.#end(error);
    }
  }

  /** Watches until the key has gone; false when it was closed before. Rejects with `CLOSED` by the client only. */
  async #isGoneFrom(fromRevision: bigint): Promise<boolean> {
    const closed = this.#closed.signal;
    let next = fromRevision;
    for (let attempt = 0; !closed.aborted; attempt += 1) {
      try {
        if (await this.#follow(next)) return true;
      } catch (error) {
        if (isEtcdError(error, "CLOSED")) throw error;
      }
      // The history from here on is gone, or the watch was refused: look at the key, and watch on from there.
      await pause(backoffMs(attempt, RETRY), closed);
      const seen = await this.#lookUntilSeen(() => true);
      if (seen?.exists === false) return true;
      if (seen !== undefined) next = seen.revision + 1n;
    }
    return false;
  }

  /** Watches from a revision on, until the key goes; false when the watch ended otherwise. */
  async #follow(startRevision: bigint): Promise<boolean> {
    const watcher = this.#client.watch(this.#key, { startRevision, signal: this.#closed.signal });
    onReturn(watcher, () => {
      this.#looking = Promise.all([this.#looking, this.#lookAgain(watcher)]);
    });
    for await (const { events } of watcher) {
      const replaced = events.some(
        ({ type, kv }) => type === "delete" || kv.createRevision !== this.#createRevision,
      );
      if (replaced) return true;
    }
    return false;
  }

  /** The watch goes on where it was, but the key may have gone in a history that it is not told of. Never rejects. */
  async #lookAgain(watcher: Watcher): Promise<void> {
    // A closed client is what the watch itself ends with.
    const seen = await this.#lookUntilSeen(() => watcher.state === "live").catch(() => undefined);
    if (seen?.exists === false) this.#lose();
  }

  /** Undefined when it is closed, or not `wanted` any more, before etcd can be asked. */
  async #lookUntilSeen(wanted: () => boolean): Promise<{ exists: boolean; revision: bigint } | undefined> {
    const closed = this.#closed.signal;
    for (let attempt = 0; !closed.aborted && wanted(); attempt += 1) {
      try {
        return await this.#look();
      } catch (error) {
        if (isEtcdError(error, "CLOSED")) throw error;
      }
      await pause(backoffMs(attempt, RETRY), closed);
    }
    return undefined;
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
    this.#end(new EtcdError("KEY_DELETED", `${this.#key} was deleted or replaced by somebody else`));
  }

  #end(reason: EtcdError): void {
    if (this.#closed.signal.aborted) return;
    this.#gone.abort(reason);
    this.#closed.abort();
  }
}
