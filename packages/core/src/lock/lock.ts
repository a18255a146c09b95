import { ttlOption } from "../lease/lease.ts";
import type { Session } from "../lease/session.ts";
import { FairQueue } from "../queue/fair-queue.ts";
import type { Ownership } from "../queue/ownership.ts";
import { Scope } from "../util/scope.ts";
import { sessionOption } from "../queue/session-option.ts";
import { settleWithin } from "../queue/settle-within.ts";
import type { QueueClient } from "../queue/queue-client.ts";
import type { WaitOptions } from "../queue/wait-until.ts";
import { CALL_OPTIONS, type CallOptions, checkCallOptions } from "../transport/call-options.ts";
import { describe, refuseUnknown } from "../util/validate.ts";
import { HeldLock } from "./held-lock.ts";
import { type Turnstile, turnstileOf } from "./turnstile.ts";

export interface LockOptions {
  /**
   * After so many seconds without a sign of life the lock falls to the next one. No effect with `session`.
   *
   * @default 10
   */
  readonly ttlSeconds?: number | undefined;
  /**
   * Hang the lock on this session of the same client, and leave the session alone on release. A lock of a
   * namespace which is closed before the session is no longer held, but stays taken until the session ends.
   *
   * @default a session of its own for each acquire
   */
  readonly session?: Session | undefined;
}

export interface AcquireOptions {
  /** Ends the wait; it rejects with `ABORTED` and leaves no key behind. */
  readonly signal?: AbortSignal | undefined;
  /** Gives up with `TIMEOUT` after so many milliseconds. @default waits as long as it takes */
  readonly timeoutMs?: number | undefined;
  /** Called with the key that is right before ours, each time it is another one: who keeps us waiting. */
  readonly onWaiting?: WaitOptions["onWaiting"];
}

/** What a lock needs of a client. */
export interface LockClient extends QueueClient {
  openSession(options: CallOptions & { readonly ttlSeconds?: number | undefined }): Promise<Session>;
}

/** What a lock is where it is not a mutex. */
export interface LockSort {
  /** For messages: the verb of the client that makes it. */
  readonly kind: string;
  readonly turnstile: Turnstile;
}

/** What is left of a failed acquire may take this long before the error is passed on; the rest goes on by itself. */
const CLEANUP_MS = 1_000;

/**
 * A fair lock: who came first gets it first. Its keys are those of Go's `concurrency.Mutex`, so `etcdctl lock <name>` and
 * this wait for each other. No name may continue another's path: `a` and `a/b` would block each other.
 */
export class Lock {
  readonly name: string;
  readonly #client: LockClient;
  readonly #kind: string;
  readonly #turnstile: Turnstile;
  readonly #ttlSeconds: number;
  readonly #session: Session | undefined;

  /** No I/O. @throws TypeError for an empty name and for wrong options. */
  constructor(client: LockClient, name: string, options: LockOptions = {}, sort?: LockSort) {
    const { kind, turnstile } = sort ?? {
      kind: "lock",
      turnstile: turnstileOf(new FairQueue(client, name)),
    };
    refuseUnknown(options, ["ttlSeconds", "session"], kind);
    this.#ttlSeconds = ttlOption(options.ttlSeconds, 10);
    this.#session = sessionOption(options.session, client);
    this.#client = client;
    this.#kind = kind;
    this.#turnstile = turnstile;
    this.name = name;
  }

  /**
   * Waits until the lock is ours.
   *
   * @throws EtcdError `ABORTED`, `TIMEOUT`; `LEASE_EXPIRED` or `LEASE_NOT_FOUND` when the session was lost while waiting;
   * `KEY_DELETED` when somebody deleted our place in the queue; `LOCK_HELD` when the given session has a place already.
   */
  async acquire(options: AcquireOptions = {}): Promise<HeldLock> {
    const { onWaiting } = options;
    checkAcquireOptions(options);
    return this.#withSession(options, async (session, signal) =>
      this.#turnstile.acquire(session, { signal, onWaiting }),
    ) as Promise<HeldLock>;
  }

  /** Takes the lock if it is free at this moment and nobody waits for it; else gives undefined and leaves no trace. */
  async tryAcquire(options: CallOptions = {}): Promise<HeldLock | undefined> {
    refuseUnknown(options, CALL_OPTIONS, "tryAcquire");
    checkCallOptions(options);
    return this.#withSession(options, async (session, signal) =>
      this.#turnstile.tryAcquire(session, { signal }),
    );
  }

  /**
   * Runs `fn` while the lock is held, and releases it when `fn` has settled, however it did. An error of `fn` is passed
   * on as it is. When the lock is lost meanwhile, `held.signal` says so; `fn` must look at it.
   */
  async using<T>(fn: (held: HeldLock) => Promise<T> | T, options: AcquireOptions = {}): Promise<T> {
    if (typeof fn !== "function") throw new TypeError(`using takes a function, received ${describe(fn)}`);
    const held = await this.acquire(options);
    let result: T;
    try {
      result = await fn(held);
    } catch (error) {
      // What went wrong in `fn` matters more than a release that failed, too.
      await held.release().catch(() => {});
      throw error;
    }
    await held.release();
    return result;
  }

  /** Runs `take` with the session given or one of its own, which ends again unless something was taken. */
  async #withSession(
    options: CallOptions,
    take: (session: Session, signal: AbortSignal) => Promise<Ownership | undefined>,
  ): Promise<HeldLock | undefined> {
    const scope = new Scope([options.signal], {
      what: `${this.#kind} ${JSON.stringify(this.name)}`,
      timeoutMs: options.timeoutMs,
    });
    const { signal } = scope;
    let own: Session | undefined;
    try {
      const session =
        this.#session ?? (own = await this.#client.openSession({ ttlSeconds: this.#ttlSeconds, signal }));
      const ownership = await take(session, signal);
      if (ownership === undefined) {
        await own?.close();
        return undefined;
      }
      const closeSession = own && (() => session.close());
      return new HeldLock(this.name, ownership, closeSession);
    } catch (error) {
      if (own !== undefined) await settleWithin(own.close(), CLEANUP_MS);
      throw scope.reasonFor(error);
    } finally {
      scope.close();
    }
  }
}

function checkAcquireOptions(options: AcquireOptions): void {
  refuseUnknown(options, [...CALL_OPTIONS, "onWaiting"], "acquire");
  checkCallOptions(options);
  if (options.onWaiting !== undefined && typeof options.onWaiting !== "function") {
    throw new TypeError(`onWaiting must be a function, received ${describe(options.onWaiting)}`);
  }
}
