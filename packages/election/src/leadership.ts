import {
  type Bytes,
  type CallOptions,
  type Compare,
  type GuardedTxn,
  type HeldLock,
  op,
} from "@quorumkit/core";
import { checkValue } from "./options.ts";

/** How a term ends. */
export interface Term {
  /** Aborts when the work has to stop: with the leadership at the latest. */
  readonly signal: AbortSignal;
  readonly resign: (options: CallOptions) => Promise<void>;
}

/**
 * A term as leader: from the election until it is resigned or lost. A lost leadership never comes back; the next one is
 * another object with a larger {@link fencingToken}.
 */
export class Leadership implements AsyncDisposable {
  /** The election's name. */
  readonly name: string;
  readonly #held: HeldLock;
  readonly #signal: AbortSignal;
  readonly #resign: (options: CallOptions) => Promise<void>;
  #value: Bytes;

  /** Made by {@link Election}. */
  constructor(held: HeldLock, value: Bytes, { signal, resign }: Term) {
    this.name = held.name;
    this.#held = held;
    this.#value = value;
    this.#signal = signal;
    this.#resign = resign;
  }

  /** Whether the leadership can still be proven, computed from the clock at each read, never a remembered answer. */
  get isLeader(): boolean {
    return this.#held.held;
  }

  /** Larger for every later leader of this election: the create revision of {@link key}. */
  get fencingToken(): bigint {
    return this.#held.fencingToken;
  }

  /**
   * Aborted when the work as a leader has to stop, with an EtcdError: `LEASE_EXPIRED` or `LEASE_NOT_FOUND` when the lease
   * was lost (told before etcd frees the key), `KEY_DELETED` when somebody deleted the key, or etcd was restored from an
   * older backup, `CLOSED` after
   * {@link resign} or the election's `close()`. Within `run()` also `ABORTED`, when its signal aborts: then the leadership
   * itself lasts until the function has settled.
   */
  get signal(): AbortSignal {
    return this.#signal;
  }

  /** Milliseconds for which the leadership is certain if no further renewal is answered; 0 when it is over. */
  get remainingMs(): number {
    return this.#held.remainingMs;
  }

  /** The key that stands for this leadership: `<name>/<lease id in hex>`. */
  get key(): string {
    return this.#held.key;
  }

  /** The lease {@link key} hangs on. */
  get leaseId(): bigint {
    return this.#held.leaseId;
  }

  /** What observers see: the value campaigned with, or the last one proclaimed. */
  get value(): Bytes {
    return this.#value;
  }

  /** Changes the value observers see. @throws EtcdError `NOT_OWNER` when the leadership is over. */
  async proclaim(value: Bytes, options: CallOptions = {}): Promise<void> {
    const put = op.put(this.key, checkValue(value), { lease: this.leaseId });
    await this.txn().then(put).commit(options);
    this.#value = value;
  }

  /** A condition for a transaction of your own, true only during this very term. */
  guard(): Compare {
    return this.#held.guard();
  }

  /** A transaction that etcd applies only during this term; otherwise it rejects with `NOT_OWNER`. */
  txn(): GuardedTxn {
    return this.#held.txn();
  }

  /**
   * Ends the term: not leader from the call on, and the next candidate's turn. May be called again, also after a loss.
   *
   * @throws EtcdError when etcd could not be told and the election uses a session of yours. Without one the key goes with
   * its lease, after the TTL at the latest, and nothing is thrown; what is not done within `timeoutMs`, or when `signal`
   * aborts, goes on by itself.
   */
  resign(options: CallOptions = {}): Promise<void> {
    return this.#resign(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.resign();
  }
}
