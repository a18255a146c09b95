import type { Bytes } from "../kv/bytes.ts";
import { isEtcdError } from "../errors/etcd-error.ts";
import type { Session } from "../lease/session.ts";
import { op } from "../txn/op.ts";
import { pause, raceAbort } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import { untilRemoved } from "./clean-up.ts";
import { deleteOwnKey } from "./delete-own-key.ts";
import type { QueueClient } from "./queue-client.ts";
import { type Look, waitUntil } from "./wait-until.ts";

const RETRY = { initialMs: 500, maxMs: 10_000 };

/** Deletes a key of a session whenever it appears, from each start to the stop after it, as long as session and client live. */
export class Sweeper {
  readonly #session: Session;
  readonly #key: Bytes;
  #stopping = new AbortController();
  #done: Promise<void> = Promise.resolve();

  constructor(session: Session, key: Bytes) {
    this.#session = session;
    this.#key = key;
  }

  start(client: QueueClient): void {
    if (this.#session.signal.aborted) return;
    const stopping = new AbortController();
    this.#stopping = stopping;
    this.#done = this.#done.then(async () => this.#run(client, stopping.signal));
  }

  /**
   * Resolves when no deletion is under way any more, nor will be. Rejects with the reason of `signal` when that aborts
   * before, and stops all the same.
   */
  async stop(signal?: AbortSignal): Promise<void> {
    this.#stopping.abort();
    await raceAbort(this.#done, signal);
  }

  /** Never rejects. */
  async #run(client: QueueClient, stop: AbortSignal): Promise<void> {
    const signals = [this.#session.signal, stop];
    const look = async (signal: AbortSignal): Promise<Look<never>> => this.#sweep(client, signal);
    for (let attempt = 0; !signals.some(({ aborted }) => aborted); attempt += 1) {
      try {
        await waitUntil({ client, what: "sweep a key", signals, look }, {});
      } catch (error) {
        // A namespace may end before the session; nothing can be done through it then.
        if (isEtcdError(error, "CLOSED")) return;
      }
      await pause(backoffMs(attempt, RETRY), ...signals);
    }
  }

  async #sweep(client: QueueClient, signal: AbortSignal): Promise<Look<never>> {
    const { results, revision } = await client.txn().then(op.get(this.#key)).commit({ signal });
    const [found] = results;
    if (found?.lease === this.#session.leaseId) {
      const ghost = { key: this.#key, createRevision: found.createRevision, session: this.#session };
      // To the end, whatever aborts: a deletion whose fate is unknown could hit whoever finds the key and takes it for his own.
      await untilRemoved(this.#session, async (limits) => deleteOwnKey(client, ghost, limits));
    }
    return { watched: this.#key, event: "put", revision };
  }
}
