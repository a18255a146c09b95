import { EtcdError } from "../errors/etcd-error.ts";
import type { Session } from "../lease/session.ts";
import { deleteOwnKey } from "../queue/delete-own-key.ts";
import { KeyWatch } from "../queue/key-watch.ts";
import { SessionKey } from "../queue/session-key.ts";
import { type Look, waitUntil } from "../queue/wait-until.ts";
import { toQueueKey } from "../queue/ticket.ts";
import type { CallOptions } from "../transport/call-options.ts";
import { compare } from "../txn/compare.ts";
import { op } from "../txn/op.ts";
import type { RecipeClient } from "./recipe-client.ts";
import { unixNano } from "./unix-nano.ts";

/** A key that stands for a participant. */
export interface Waiter {
  readonly key: string;
  readonly createRevision: bigint;
  readonly session: Session;
  /** In use until the key is taken away. */
  readonly own: SessionKey;
  /** How many there were with it when it came. */
  readonly position: bigint;
}

/**
 * The keys of a double barrier, as Go's recipe has them: `<name>/waiters/<nanoseconds since 1970>` for each participant, on
 * its lease, and `<name>/ready`, written by the one that makes them complete.
 */
export class Waiters {
  readonly #client: RecipeClient;
  readonly #range: { readonly prefix: string };
  readonly #ready: string;
  readonly #what: string;

  constructor(client: RecipeClient, name: string, what: string) {
    this.#client = client;
    this.#range = { prefix: `${name}/waiters/` };
    this.#ready = `${name}/ready`;
    this.#what = what;
  }

  async count(options: CallOptions): Promise<bigint> {
    const { count } = await this.#client.range(this.#range, { countOnly: true, ...options });
    return count;
  }

  /** A new name for a key. Another process may have it as well, which {@link enter} finds out. */
  newKey(session: Session): SessionKey {
    return new SessionKey(this.#client, session, `${this.#range.prefix}${unixNano()}`);
  }

  /** Makes the key. Sent again it finds the one that is there; undefined when that is somebody else's. */
  async enter(own: SessionKey, options: CallOptions): Promise<Waiter | undefined> {
    const { key, session, making } = own;
    const entered = await this.#client
      .txn()
      .if(compare(key).version.equals(0n))
      .then(op.put(key, "", { lease: session.leaseId }), op.range(this.#range, { countOnly: true }))
      .else(op.get(key))
      .commit({ ...options, ...making });
    if (entered.succeeded) {
      const createRevision = entered.revision;
      return { key, createRevision, session, own, position: entered.results[1].count };
    }
    const found = entered.results[0];
    if (found?.lease !== session.leaseId) return undefined;
    const { createRevision } = found;
    const { count } = await this.#client.range(this.#range, {
      countOnly: true,
      revision: createRevision,
      ...options,
    });
    return { key, createRevision, session, own, position: count };
  }

  /** Says that all are there; gives the revision at which that was said. A late sending has no effect on a later round. */
  async complete({ key, createRevision }: Waiter, options: CallOptions): Promise<bigint> {
    const { succeeded, revision } = await this.#client
      .txn()
      .if(compare(key).createRevision.equals(createRevision))
      .then(op.put(this.#ready, ""))
      .commit({ ...options, repeatable: true });
    if (!succeeded) throw gone(key);
    return revision;
  }

  /** Waits until it is said that all are there; gives the revision at which it was. */
  async untilComplete(waiter: Waiter, signal: AbortSignal): Promise<bigint> {
    const { key, createRevision, session } = waiter;
    const watch = KeyWatch.start(this.#client, key, createRevision, createRevision + 1n);
    const look = async (ending: AbortSignal): Promise<Look<bigint>> => {
      const { results, revision } = await this.#client
        .txn()
        .then(op.get(key), op.get(this.#ready))
        .commit({ signal: ending });
      const [own, ready] = results;
      if (own?.createRevision !== createRevision) throw gone(key);
      // One that was there before is what a round that died has left.
      if (ready !== undefined && ready.modRevision > createRevision) return { done: ready.modRevision };
      return { watched: this.#ready, event: "put", revision };
    };
    const signals = [session.signal, watch.signal];
    try {
      return await waitUntil({ client: this.#client, what: this.#what, signals, look }, { signal });
    } finally {
      await watch.close();
    }
  }

  /** Takes the key away; a newer one by its name stays. */
  async remove(waiter: Waiter, options: CallOptions): Promise<void> {
    await deleteOwnKey(this.#client, waiter, options);
    waiter.own.giveUp();
  }

  /**
   * Takes the key away, and waits until those have gone that were there when the round was complete. The oldest one goes last,
   * so that each waits for one key: the oldest for the youngest, all others for the oldest.
   */
  async leave(waiter: Waiter, completeAt: bigint, options: CallOptions): Promise<void> {
    const look = async (signal: AbortSignal): Promise<Look<void>> => {
      const among = { maxCreateRevision: completeAt, signal };
      const { kvs: all, revision } = await this.#client.range(this.#range, among);
      const kvs = [...all].sort((a, b) => (a.createRevision < b.createRevision ? -1 : 1));
      const [lowest, highest] = [kvs[0], kvs.at(-1)];
      if (lowest === undefined || highest === undefined) return { done: undefined };
      const isOwn = lowest.key === waiter.key && lowest.createRevision === waiter.createRevision;
      if (isOwn && kvs.length > 1) return { behind: toQueueKey(highest), watched: highest.key, revision };
      await this.#removeOwn(waiter, isOwn, signal);
      if (isOwn) return { done: undefined };
      return { behind: toQueueKey(lowest), watched: lowest.key, revision };
    };
    await waitUntil({ client: this.#client, what: this.#what, signals: [], look }, options);
  }

  /** The last one takes away what made the round complete, too, in one step with its own key. */
  async #removeOwn({ key, createRevision, own }: Waiter, last: boolean, signal: AbortSignal): Promise<void> {
    const ends = last ? [op.delete(key), op.delete(this.#ready)] : [op.delete(key)];
    await this.#client
      .txn()
      .if(compare(key).createRevision.equals(createRevision))
      .then(...ends)
      .commit({ signal, repeatable: true });
    own.giveUp();
  }
}

function gone(key: string): EtcdError {
  return new EtcdError("KEY_DELETED", `${key} was deleted or replaced by somebody else`);
}
