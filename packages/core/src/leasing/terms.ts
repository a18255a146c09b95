import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import type { Session } from "../lease/session.ts";
import { claim } from "../queue/claims.ts";
import { settleWithin } from "../queue/settle-within.ts";
import { callBudget } from "../transport/call-budget.ts";
import type { CallOptions } from "../transport/call-options.ts";
import { onAbort, pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import { followOwnership } from "./follow-ownership.ts";
import type { LeasingClient } from "./leasing-client.ts";
import type { ResolvedLeasingOptions } from "./leasing-options.ts";
import type { OwnershipKeys } from "./ownership-keys.ts";
import { Term } from "./term.ts";

export interface TermsParts {
  readonly client: LeasingClient;
  readonly keys: OwnershipKeys;
  readonly options: ResolvedLeasingOptions;
}

/** To give keys up that are on the caller's session; what takes longer goes on by itself, and ends with the session. */
const LEAVE_MS = 1_000;
const BACKOFF = { initialMs: 50, maxMs: 5_000 };

/** One term after another, each with a session of its own; or one only, with the caller's session. */
export class Terms {
  readonly #parts: TermsParts;
  readonly #closing = new AbortController();
  #current: Term | undefined;
  #following: Promise<void> = Promise.resolve();
  #reopening: Promise<void> = Promise.resolve();
  #unlisten: () => void = () => {};
  #unclaim: () => void = () => {};
  #closed: Promise<void> | undefined;

  private constructor(parts: TermsParts) {
    this.#parts = parts;
  }

  /** @throws EtcdError `LOCK_HELD` when another cache has the same keys and the same session: it could not tell whose they are. */
  static async open(parts: TermsParts, options: CallOptions): Promise<Terms> {
    const terms = new Terms(parts);
    const { session } = parts.options;
    if (session?.signal.aborted === true) throw session.signal.reason;
    if (session !== undefined) terms.#claim(session);
    try {
      await terms.#begin(options);
      return terms;
    } catch (error) {
      terms.#unclaim();
      throw error;
    }
  }

  /** Undefined while there is no session. */
  get current(): Term | undefined {
    return this.#current;
  }

  /** Aborts when they are closed, or the caller's session has ended; its reason is the error to throw. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** @throws EtcdError when it is over. */
  check(): void {
    if (this.closing.aborted) throw this.closing.reason;
  }

  async close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #claim(session: Session): void {
    const { client, keys } = this.#parts;
    const name = Buffer.from(client.keyPrefix ?? []).toString("latin1") + keys.name;
    this.#unclaim = claim(
      session,
      `leasing ${name}`,
      "another leasing cache has this session and this prefix",
    );
  }

  async #begin(options: CallOptions): Promise<void> {
    const { client, keys, options: resolved } = this.#parts;
    const { ttlSeconds, maxKeys, session: given } = resolved;
    const budget = callBudget(client, options, "leasing");
    const session = given ?? (await client.openSession({ ttlSeconds, ...budget() }));
    const { signal } = this.#closing;
    const over = new AbortController();
    const watcher = client.watch(keys.range, { signal: over.signal });
    try {
      // A request to give up that comes before the watch would not be heard.
      await watcher.ready(budget());
      if (signal.aborted) throw signal.reason;
    } catch (error) {
      await watcher.close();
      if (given === undefined) await session.close();
      throw error;
    }
    const term = new Term({ client, keys, session, maxKeys });
    this.#current = term;
    this.#following = followOwnership({ client, keys, term, signal: over.signal }, watcher);
    const removeClosing = onAbort(signal, () => over.abort());
    this.#unlisten = onAbort(session.signal, (reason) => {
      removeClosing();
      over.abort();
      this.#over(reason);
    });
  }

  #over(reason: unknown): void {
    this.#current = undefined;
    if (this.#parts.options.session !== undefined) this.#closing.abort(reason);
    else if (!this.#closing.signal.aborted) this.#reopening = this.#reopen();
  }

  async #reopen(): Promise<void> {
    const { signal } = this.#closing;
    await this.#following;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        await this.#begin({ signal });
        return;
      } catch (error) {
        if (isEtcdError(error, "CLOSED")) return this.#closing.abort(error);
      }
      await pause(backoffMs(attempt, BACKOFF), signal);
    }
  }

  async #close(): Promise<void> {
    const term = this.#current;
    this.#unlisten();
    this.#current = undefined;
    this.#closing.abort(new EtcdError("CLOSED", "the leasing cache is closed"));
    await Promise.all([this.#reopening, this.#following]);
    if (term === undefined) return;
    if (this.#parts.options.session === undefined) return term.session.close();
    // Another cache may have the session once nothing of this one is on its way.
    const left = term.close().then(this.#unclaim);
    await settleWithin(left, LEAVE_MS);
  }
}
