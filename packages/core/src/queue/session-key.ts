import type { Bytes } from "../kv/bytes.ts";
import type { Session } from "../lease/session.ts";
import type { CallOptions } from "../transport/call-options.ts";
import { op } from "../txn/op.ts";
import type { CommitOptions } from "../txn/txn.ts";
import { deleteOwnKey } from "./delete-own-key.ts";
import type { QueueClient } from "./queue-client.ts";
import { Sweeper } from "./sweeper.ts";

/** By session, and by the key in full. Nothing of a session comes after its end, since the lease is gone. */
const sweepers = new WeakMap<Session, Map<string, Sweeper>>();

/**
 * A key on a session's lease, from before it is made until it is given up; with one user at a time.
 *
 * A copy of a transaction may be applied long after the call has ended: a member that was stopped finds it in its socket when
 * it goes on. "Make it where it is not" is true again when the key was deleted meanwhile, and what is made then would stay as
 * long as the session, with nobody who knows of it. Nothing tells that no such copy is under way any more. So from the first
 * one on whose fate is unknown, the key is swept whenever it is not in use, until the session ends.
 */
export class SessionKey<Key extends Bytes = string> {
  readonly key: Key;
  readonly session: Session;
  readonly #client: QueueClient;
  readonly #inFull: string;
  #inUse = false;

  constructor(client: QueueClient, session: Session, key: Key) {
    this.key = key;
    this.session = session;
    this.#client = client;
    this.#inFull = keyInFull(client, key);
  }

  /** What a transaction is committed with that makes the key where it is not. */
  get making(): Required<Pick<CommitOptions, "repeatable">> & { readonly onUnknown: () => void } {
    return { repeatable: true, onUnknown: () => this.#remember() };
  }

  /**
   * To be awaited before the key is made; from then on nothing sweeps it. What is being swept is swept to the end first: its
   * deletion might hit what is found there now. Rejects with the reason of `signal` when that aborts before.
   */
  async takeUp(signal?: AbortSignal): Promise<void> {
    this.#inUse = true;
    await this.#sweeper?.stop(signal);
  }

  /**
   * Takes away what may have been made. For as long as the key is in use, since nobody else of this session can have made it.
   * Looks first: a deletion guarded by the lease alone may be applied late, too, and hit a newer key of the same session.
   */
  async remove(options: CallOptions): Promise<void> {
    const { key, session } = this;
    if (session.leaseGone) return;
    const { results } = await this.#client.txn().then(op.get(key)).commit(options);
    const [found] = results;
    if (found?.lease !== session.leaseId) return;
    await deleteOwnKey(this.#client, { key, createRevision: found.createRevision, session }, options);
  }

  /** The key has gone, or is somebody else's; what comes of it from now on is swept. A second call does nothing. */
  giveUp(): void {
    if (!this.#inUse) return;
    this.#inUse = false;
    this.#sweeper?.start(this.#client);
  }

  get #sweeper(): Sweeper | undefined {
    return sweepers.get(this.session)?.get(this.#inFull);
  }

  #remember(): void {
    const all = sweepers.get(this.session) ?? new Map<string, Sweeper>();
    sweepers.set(this.session, all);
    if (!all.has(this.#inFull)) all.set(this.#inFull, new Sweeper(this.session, this.key));
  }
}

/** A session may serve several namespaces, and a key is another one in each. */
export function keyInFull({ keyPrefix }: Pick<QueueClient, "keyPrefix">, key: Bytes): string {
  return Buffer.concat([keyPrefix ?? Buffer.alloc(0), Buffer.from(key)]).toString("latin1");
}
