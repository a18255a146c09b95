import type { Ownership } from "../queue/ownership.ts";
import type { GuardedTxn } from "../queue/guarded-txn.ts";
import { Scope } from "../util/scope.ts";
import { CALL_OPTIONS, type CallOptions, checkCallOptions } from "../transport/call-options.ts";
import type { Compare } from "../txn/compare.ts";
import { onAbort, raceAbort } from "../util/abort.ts";
import { refuseUnknown } from "../util/validate.ts";

/**
 * A lock, a reader's or writer's part of one, or a permit that is held, until it is released or lost. It can be lost: the
 * machine may be suspended, etcd unreachable for longer than the TTL, the key deleted by an operator, etcd restored from a
 * backup that is older. Work that must not run twice looks at {@link signal}, and what it writes to etcd goes through
 * {@link txn}; other stores should refuse a {@link fencingToken} below the highest one seen.
 */
export class HeldLock implements AsyncDisposable {
  /** The lock's name, as given to {@link Lock}. */
  readonly name: string;
  readonly #ownership: Ownership;
  readonly #closeSession: (() => Promise<void>) | undefined;

  /** Made by {@link Lock}. With `closeSession`, which never rejects, the session is the lock's own, and ends with it. */
  constructor(name: string, ownership: Ownership, closeSession: (() => Promise<void>) | undefined) {
    this.name = name;
    this.#ownership = ownership;
    this.#closeSession = closeSession;
    // A session without its key would be kept alive for nothing. Closing is idempotent, and ends with the TTL at worst.
    if (closeSession) onAbort(ownership.signal, () => void closeSession());
  }

  /** The key that stands for it: `<name>/<lease id in hex>` for a mutex; see the other sorts of lock for theirs. */
  get key(): string {
    return this.#ownership.key;
  }

  /** The lease {@link key} hangs on. */
  get leaseId(): bigint {
    return this.#ownership.session.leaseId;
  }

  /** Larger for every later holder of this name: the create revision of {@link key}. */
  get fencingToken(): bigint {
    return this.#ownership.fencingToken;
  }

  /**
   * Aborted when the lock is no longer held, with an EtcdError: `LEASE_EXPIRED` or `LEASE_NOT_FOUND` when the lease was
   * lost, `KEY_DELETED` when somebody deleted the key, `CLOSED` after {@link release}.
   */
  get signal(): AbortSignal {
    return this.#ownership.signal;
  }

  /** Whether the lock can still be proven, computed from the clock at each read. */
  get held(): boolean {
    return this.#ownership.held;
  }

  /** Milliseconds for which the lock is certain if no further renewal is answered; 0 when it is not held. */
  get remainingMs(): number {
    return this.#ownership.remainingMs;
  }

  /** A condition for a transaction of your own, true only while this very lock is held. */
  guard(): Compare {
    return this.#ownership.guard();
  }

  /** A transaction that etcd applies only while this lock is held; otherwise it rejects with `NOT_OWNER`. */
  txn(): GuardedTxn {
    return this.#ownership.txn();
  }

  /**
   * Lets the next one in. May be called again, also after the lock was lost.
   *
   * @throws EtcdError when etcd could not be told and the session is yours: the key then stays until it is told, or the
   * session ends. With a session of its own the lock is free after its TTL at the latest, so nothing is thrown; what is not
   * done within `timeoutMs`, or when `signal` aborts, goes on by itself.
   */
  async release(options: CallOptions = {}): Promise<void> {
    refuseUnknown(options, CALL_OPTIONS, "release");
    checkCallOptions(options);
    if (this.#closeSession === undefined) return this.#ownership.release(options);
    const scope = new Scope([options.signal], {
      what: `release ${this.key}`,
      timeoutMs: options.timeoutMs,
    });
    try {
      await raceAbort(this.#releaseWithSession(this.#closeSession), scope.signal);
    } catch (error) {
      if (!scope.signal.aborted) throw error;
    } finally {
      scope.close();
    }
  }

  /** The end of the ownership closes the session, which revokes the lease, and the key goes with that. */
  async #releaseWithSession(closeSession: () => Promise<void>): Promise<void> {
    await this.#ownership.release().catch(() => {});
    await closeSession();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}
