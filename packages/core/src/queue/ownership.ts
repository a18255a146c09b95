import { EtcdError } from "../errors/etcd-error.ts";
import type { Session } from "../lease/session.ts";
import type { CallOptions } from "../transport/call-options.ts";
import { compare, type Compare } from "../txn/compare.ts";
import type { Txn } from "../txn/txn.ts";
import { onAbort } from "../util/abort.ts";
import { deleteOwnKey } from "./delete-own-key.ts";
import { GuardedTxn } from "./guarded-txn.ts";
import type { QueueClient } from "./queue-client.ts";
import type { Ticket } from "./ticket.ts";

/**
 * The first place of a queue, for as long as it can be proven. It ends when it is released, when its session is lost, or
 * when somebody else deletes its key; it never comes back.
 */
export class Ownership {
  readonly #client: QueueClient;
  readonly #ticket: Ticket;
  readonly #ended = new AbortController();
  readonly #removers: (() => void)[] = [];
  #released: Promise<void> | undefined;

  /** Made by {@link FairQueue} once the place has been confirmed. */
  constructor(client: QueueClient, ticket: Ticket) {
    this.#client = client;
    this.#ticket = ticket;
    for (const signal of [ticket.session.signal, ticket.watch.signal]) {
      this.#removers.push(onAbort(signal, (reason) => this.#lose(reason)));
    }
    // A signal that had aborted already ended us before its sibling was listened to.
    if (this.#ended.signal.aborted) this.#removeListeners();
  }

  get key(): string {
    return this.#ticket.key;
  }

  /** The key's create revision: larger for every later owner, so a resource can refuse what an earlier one still sends. */
  get fencingToken(): bigint {
    return this.#ticket.createRevision;
  }

  get session(): Session {
    return this.#ticket.session;
  }

  /** Aborted with an EtcdError: `LEASE_EXPIRED`, `LEASE_NOT_FOUND`, `KEY_DELETED`, or `CLOSED` after a release. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Computed from the clock at each read, so it is right even after the event loop was blocked. */
  get held(): boolean {
    return !this.#ended.signal.aborted && this.#ticket.session.alive;
  }

  /** Milliseconds for which it is proven if no further renewal is answered; 0 when it is not held. */
  get remainingMs(): number {
    return this.held ? this.#ticket.session.remainingMs : 0;
  }

  /** For a transaction of your own: true only as long as this very ownership lasts. */
  guard(): Compare {
    return compare(this.key).createRevision.equals(this.fencingToken);
  }

  /** A transaction that etcd refuses when this ownership has ended. */
  txn(): GuardedTxn {
    const begin = (): Txn => this.#client.txn();
    const onRefuted = (): void => {
      this.#lose(new EtcdError("KEY_DELETED", `${this.key} was deleted or replaced by somebody else`));
    };
    return new GuardedTxn({ guard: this, begin, onRefuted }, begin());
  }

  /**
   * Gives the place up: not held from the call on, and the next one's turn once the key is deleted. Only this ownership's
   * own key is deleted, never one that came later under the same name, so it may be called again after an error.
   */
  release(options: CallOptions = {}): Promise<void> {
    this.#end(new EtcdError("CLOSED", `${this.key} was released`));
    this.#released ??= this.#release(options);
    return this.#released;
  }

  async #release(options: CallOptions): Promise<void> {
    try {
      await this.#ticket.watch.close();
      await deleteOwnKey(this.#client, this.#ticket, options);
      this.#ticket.unclaim();
    } catch (error) {
      this.#released = undefined;
      throw error;
    }
  }

  #lose(reason: unknown): void {
    if (!this.#end(reason)) return;
    this.#ticket.unclaim();
    // Never rejects; there is nothing left to watch.
    void this.#ticket.watch.close();
  }

  /** Whether this call was the one that ended it. */
  #end(reason: unknown): boolean {
    if (this.#ended.signal.aborted) return false;
    this.#removeListeners();
    this.#ended.abort(reason);
    return true;
  }

  #removeListeners(): void {
    for (const remove of this.#removers) remove();
  }
}
