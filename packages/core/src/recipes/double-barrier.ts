import { EtcdError } from "../errors/etcd-error.ts";
import { ttlOption } from "../lease/lease.ts";
import type { Session } from "../lease/session.ts";
import { cleanUp } from "../queue/clean-up.ts";
import { checkName } from "../queue/fair-queue.ts";
import { Scope } from "../util/scope.ts";
import { sessionOption } from "../queue/session-option.ts";
import { settleWithin } from "../queue/settle-within.ts";
import type { WaitingCallOptions } from "../services/waiting-call.ts";
import { CALL_OPTIONS, checkCallOptions } from "../transport/call-options.ts";
import { describe, numberOption, refuseUnknown } from "../util/validate.ts";
import type { RecipeClient } from "./recipe-client.ts";
import { type Waiter, Waiters } from "./waiters.ts";

export interface DoubleBarrierOptions {
  /** How many have to enter before any goes on, and to leave before any goes on. Everybody has to give the same number. */
  readonly count: number;
  /** After so many seconds without a sign of life a participant counts as gone. No effect with `session`. @default 10 */
  readonly ttlSeconds?: number | undefined;
  /**
   * Take part with this session of the same client, and leave the session alone afterwards.
   *
   * @default a session of its own from each enter to the leave after it
   */
  readonly session?: Session | undefined;
}

/** Whoever has entered. */
interface Inside {
  readonly waiter: Waiter;
  /** The revision at which all were there. */
  readonly completeAt: bigint;
  readonly own: Session | undefined;
}

/** What is left of a failed enter may take this long before the error is passed on; the rest goes on by itself. */
const CLEANUP_MS = 1_000;

/**
 * Lets a number of participants begin together, and end together. Shared with Go's `recipes.DoubleBarrier`; keys:
 * `<name>/waiters/<nanoseconds since 1970>` for each participant, on its lease, and `<name>/ready`. One object is one
 * participant. Who dies leaves with its lease. The same name can serve another round once all have left; who enters earlier
 * may be counted among those that are still leaving.
 */
export class DoubleBarrier {
  readonly name: string;
  readonly count: number;
  readonly #client: RecipeClient;
  readonly #what: string;
  readonly #waiters: Waiters;
  readonly #ttlSeconds: number;
  readonly #session: Session | undefined;
  #state: "outside" | "entering" | "inside" | "leaving" = "outside";
  #inside: Inside | undefined;

  /** No I/O. @throws TypeError for an empty name and for wrong options. */
  constructor(client: RecipeClient, name: string, options: DoubleBarrierOptions) {
    checkName(name);
    refuseUnknown(options, ["count", "ttlSeconds", "session"], "doubleBarrier");
    const { count } = options;
    if (count === undefined) {
      throw new TypeError(`count must be a whole number at least 1, received ${describe(count)}`);
    }
    this.count = numberOption(count, "count", { min: 1, integer: true, fallback: 1 });
    this.#ttlSeconds = ttlOption(options.ttlSeconds, 10);
    this.#session = sessionOption(options.session, client);
    this.#client = client;
    this.#what = `doubleBarrier ${JSON.stringify(name)}`;
    this.#waiters = new Waiters(client, name, this.#what);
    this.name = name;
  }

  /** The session of a participant that has entered, whose `signal` tells when the others take it for gone. */
  get session(): Session | undefined {
    return this.#inside?.waiter.session;
  }

  /**
   * Resolves when `count` participants have entered. However it fails, the participant is none.
   *
   * @throws EtcdError `FAILED_PRECONDITION` when there are `count` others already, or this object has entered; `ABORTED`,
   * `TIMEOUT`; `LEASE_EXPIRED` or `LEASE_NOT_FOUND` when the session was lost while waiting; `KEY_DELETED` when somebody
   * deleted our key; `CLOSED` when the client is closed.
   */
  async enter(options: WaitingCallOptions = {}): Promise<void> {
    await this.#step("outside", "entering", options, async (signal) => {
      let own: Session | undefined;
      try {
        const session =
          this.#session ?? (own = await this.#client.openSession({ ttlSeconds: this.#ttlSeconds, signal }));
        this.#inside = { ...(await this.#enter(session, signal)), own };
      } catch (error) {
        if (own !== undefined) await settleWithin(own.close(), CLEANUP_MS);
        throw error;
      }
    });
  }

  /**
   * Resolves when all who were in have left, or have died. After an error it may be called again; the participant has then
   * perhaps left, but does not know of the others.
   *
   * @throws EtcdError `FAILED_PRECONDITION` when this object has not entered; `ABORTED`, `TIMEOUT`; `CLOSED` when the client is
   * closed.
   */
  async leave(options: WaitingCallOptions = {}): Promise<void> {
    await this.#step("inside", "leaving", options, async (signal) => {
      const { waiter, completeAt, own } = this.#inside as Inside;
      await this.#waiters.leave(waiter, completeAt, { signal });
      this.#inside = undefined;
      await own?.close();
    });
  }

  async #enter(session: Session, signal: AbortSignal): Promise<Omit<Inside, "own">> {
    if (session.signal.aborted) throw session.signal.reason;
    if ((await this.#waiters.count({ signal })) >= BigInt(this.count)) throw this.#full();
    const waiter = await this.#comeIn(session, signal);
    try {
      if (waiter.position > BigInt(this.count)) throw this.#full();
      const completeAt =
        waiter.position === BigInt(this.count)
          ? await this.#waiters.complete(waiter, { signal })
          : await this.#waiters.untilComplete(waiter, signal);
      return { waiter, completeAt };
    } catch (error) {
      await cleanUp(session, async (limits) => this.#waiters.remove(waiter, limits));
      throw error;
    }
  }

  async #comeIn(session: Session, signal: AbortSignal): Promise<Waiter> {
    for (;;) {
      const own = this.#waiters.newKey(session);
      try {
        await own.takeUp(signal);
        const waiter = await this.#waiters.enter(own, { signal });
        if (waiter !== undefined) return waiter;
        own.giveUp();
      } catch (error) {
        await cleanUp(session, async (limits) => {
          await own.remove(limits);
          own.giveUp();
        });
        throw error;
      }
    }
  }

  async #step(
    from: "outside" | "inside",
    through: "entering" | "leaving",
    options: WaitingCallOptions,
    run: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    refuseUnknown(options, CALL_OPTIONS, from === "outside" ? "enter" : "leave");
    checkCallOptions(options);
    if (this.#state !== from) {
      const message = `${this.#what}: this participant is ${this.#state}, not ${from}`;
      throw new EtcdError("FAILED_PRECONDITION", message, { outcome: "notApplied" });
    }
    this.#state = through;
    const scope = new Scope([options.signal], { what: this.#what, timeoutMs: options.timeoutMs });
    try {
      await run(scope.signal);
    } catch (error) {
      throw scope.reasonFor(error);
    } finally {
      this.#state = this.#inside === undefined ? "outside" : "inside";
      scope.close();
    }
  }

  #full(): EtcdError {
    const message = `${this.#what} has ${this.count} participants already`;
    return new EtcdError("FAILED_PRECONDITION", message, { outcome: "notApplied" });
  }
}
