import { type EtcdClient, EtcdError, type EtcdErrorCode, isEtcdError, type Session } from "@quorumkit/core";
import { backoffMs, raceAbort, SessionKey } from "@quorumkit/core/internal";
import { asDraining, type ServiceInstance } from "../instance.ts";
import type { SharedSession } from "../shared-session.ts";
import { Latch } from "../util/latch.ts";
import type { Claim, ClaimResult, OwnKey } from "./own-key.ts";
import { Standing } from "./standing.ts";
import { type Happening, REGISTERING, type RegistrationState, type State, transition } from "./state.ts";
import { Waiters } from "./waiters.ts";

const BACKOFF = { initialMs: 200, maxMs: 5_000 };
/** What stood for so long begins its backoff anew. */
const STABLE_MS = 10_000;

/** Errors that say that what was asked for is wrong, not that etcd is away: whoever waits for it is told at once. */
const PERMANENT: readonly EtcdErrorCode[] = [
  "INVALID_ARGUMENT",
  "REQUEST_TOO_LARGE",
  "PERMISSION_DENIED",
  "UNAUTHENTICATED",
  "UNIMPLEMENTED",
  "LEASE_TTL_TOO_LARGE",
];

export interface ReconcilerParts {
  readonly etcd: EtcdClient;
  readonly sessions: SharedSession;
  readonly key: string;
  readonly ownKey: OwnKey;
  readonly instance: ServiceInstance;
  readonly encode: (instance: ServiceInstance) => string;
}

/** Hears of every change of the state, and of every failed try; `reason` says what was wrong. */
export type StateListener = (state: RegistrationState, reason: EtcdError | undefined) => void;

/** What shall be in etcd; every change of it is a version. */
interface Wanted {
  readonly instance: ServiceInstance;
  readonly value: string;
  readonly version: number;
}

/**
 * Keeps one key in etcd as it is wanted, for ever: the session lives, and the key is there, on its lease and with the
 * value wanted; else it is written again. Whatever may have changed one of these only wakes the loop, which then looks
 * for itself, so no order of events can mislead it.
 */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #waiters = new Waiters();
  readonly #latch = new Latch();
  /** Ends everything, even what etcd has not confirmed. */
  readonly #stop = new AbortController();
  /** Ends the wait for a session, which who leaves needs no more. Never a write: it might arrive after the delete. */
  readonly #leave = new AbortController();
  #wanted: Wanted;
  #state: State = REGISTERING;
  #lastError: EtcdError | undefined;
  #standing: Standing | undefined;
  /** The key on the session it is, or was last, claimed with. */
  #sessionKey: SessionKey | undefined;
  #listener: StateListener = () => {};
  #saidFarewell = false;
  /** False while it is certain that we never wrote. */
  #mayExist = false;
  #attempt = 0;
  #claimedAt: number | undefined;
  #done: Promise<void> = Promise.resolve();

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
    const { instance, encode } = parts;
    this.#wanted = { instance, value: encode(instance), version: 1 };
  }

  get key(): string {
    return this.#parts.key;
  }

  /** The instance as it is wanted. */
  get instance(): ServiceInstance {
    return this.#wanted.instance;
  }

  get state(): RegistrationState {
    return this.#state.name;
  }

  /** Why it is lost, or why the last try failed; undefined while all is well. */
  get lastError(): EtcdError | undefined {
    return this.#lastError;
  }

  /** Why what is wanted is not done yet, as far as known: what failed, not what was lost. */
  get hindrance(): EtcdError | undefined {
    const lost = this.#state.name === "lost" && this.#lastError === this.#state.reason;
    return (lost ? undefined : this.#lastError) ?? this.#standing?.lastError;
  }

  /** Whether it has begun to leave, or has left. */
  get leaving(): boolean {
    return this.#leave.signal.aborted || this.#state.name === "closed";
  }

  /** Settles when nothing is left of the registration; never rejects. */
  get done(): Promise<void> {
    return this.#done;
  }

  /** There is one listener. */
  listen(listener: StateListener): void {
    this.#listener = listener;
  }

  /** Starts the loop when `before` has settled; called once. Resolves and rejects as `want` does. */
  start(before: Promise<unknown>): Promise<void> {
    this.#done = this.#run(before);
    return this.#waiters.wait(this.#wanted.version);
  }

  /** Changes what is wanted. Resolves when etcd has it; rejects when etcd refuses it, or when it leaves before. */
  want(instance: ServiceInstance): Promise<void> {
    const version = this.#wanted.version + 1;
    this.#wanted = { instance, value: this.#parts.encode(instance), version };
    this.#latch.set();
    return this.#waiters.wait(version);
  }

  /** Wants it gone; final. */
  leave(): void {
    if (this.leaving) return;
    this.#leave.abort();
    this.#latch.set();
    this.#happen({ type: "leave" });
    this.#waiters.rejectAll(new EtcdError("CLOSED", `${this.key} is being deregistered`));
  }

  /** Gives up at once, after `leave`; what may still be in etcd ends with the lease. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #run(before: Promise<unknown>): Promise<void> {
    await raceAbort(before, this.#leave.signal).catch(() => undefined);
    const standing = Standing.start(this.#parts.etcd, this.key, () => this.#latch.set());
    this.#standing = standing;
    try {
      while (!this.#stop.signal.aborted) {
        const result = await this.#tryStep(standing);
        if (result === "gone") break;
        await this.#latch.wait(this.#stop.signal, result === "settled" ? undefined : this.#nextDelayMs());
      }
    } finally {
      await standing.close();
      this.#sessionKey?.giveUp();
      this.#happen({ type: "gone" });
      this.#waiters.rejectAll(new EtcdError("CLOSED", `${this.key} is no longer registered`));
    }
  }

  async #tryStep(standing: Standing): Promise<"settled" | "again" | "gone"> {
    const leaving = this.#leave.signal.aborted;
    try {
      if (leaving) return await this.#withdraw(standing);
      return await this.#reconcile(standing);
    } catch (error) {
      if (this.#parts.etcd.closed) return "gone";
      // It left while it waited for a session; the latch is set.
      if (!leaving && this.#leave.signal.aborted) return "again";
      const reason = EtcdError.from(error);
      this.#happen({ type: "failed", reason });
      if (isEtcdError(reason, ...PERMANENT)) this.#waiters.rejectAll(reason);
      return "again";
    }
  }

  async #reconcile(standing: Standing): Promise<"settled" | "again" | "gone"> {
    // Nothing can be brought back with a closed client, and its sessions have taken the keys along.
    if (this.#parts.etcd.closed) return "gone";
    const loss = standing.findLoss();
    if (loss !== undefined) {
      this.#happen({ type: "lost", reason: loss });
      return "again";
    }
    const session = await this.#parts.sessions.acquire(this.#leave.signal);
    const { value, version } = this.#wanted;
    const claim = { value, leaseId: session.leaseId };
    if (!standing.isAs(claim)) {
      this.#mayExist = true;
      const result = await this.#claim(claim, standing.revision, session);
      if (result.type === "taken") {
        this.#happen({ type: "taken", reason: takenBy(this.key, result.holder.lease) });
        return "again";
      }
      standing.confirm(result, session);
      this.#claimedAt = performance.now();
      this.#happen({ type: "claimed", leaseId: result.leaseId, revision: result.revision });
    }
    this.#lastError = undefined;
    this.#waiters.reached(version);
    return "settled";
  }

  async #claim(claim: Claim, seen: bigint, session: Session): Promise<ClaimResult> {
    const { making } = await this.#takeUp(session);
    try {
      return await this.#parts.ownKey.claim(claim, seen, { ...making, signal: this.#stop.signal });
    } catch (error) {
      // Its next keep-alive would tell the session too, but that may be seconds away.
      if (isEtcdError(error, "LEASE_NOT_FOUND")) this.#parts.sessions.discard(session);
      throw error;
    }
  }

  /** Other registrations keep the session alive when this one has gone, so late copies of its claims have to be swept. */
  async #takeUp(session: Session): Promise<SessionKey> {
    if (this.#sessionKey?.session !== session) {
      this.#sessionKey?.giveUp();
      this.#sessionKey = new SessionKey(this.#parts.etcd, session, this.key);
    }
    await this.#sessionKey.takeUp(this.#leave.signal);
    return this.#sessionKey;
  }

  async #withdraw(standing: Standing): Promise<"gone"> {
    if (!this.#mayExist) return "gone";
    await this.#parts.ownKey.withdraw(await this.#sayFarewell(standing), this.#stop.signal);
    return "gone";
  }

  /** Marks the key as draining, so that readers know it goes on purpose. Gives its revision afterwards. */
  async #sayFarewell(standing: Standing): Promise<bigint> {
    const { leaseId, revision } = standing;
    if (this.#saidFarewell || leaseId === undefined) return revision;
    const farewell = { value: this.#parts.encode(asDraining(this.instance)), leaseId };
    if (standing.isAs(farewell)) return revision;
    // Said once, if it can be said: nothing keeps the key from being deleted, not even a database that is full.
    this.#saidFarewell = true;
    return this.#parts.ownKey.rewrite(farewell, revision, this.#stop.signal).catch(() => revision);
  }

  #nextDelayMs(): number {
    if (this.#claimedAt !== undefined && performance.now() - this.#claimedAt > STABLE_MS) this.#attempt = 0;
    this.#claimedAt = undefined;
    return backoffMs(this.#attempt++, BACKOFF);
  }

  #happen(happening: Happening): void {
    const next = transition(this.#state, happening);
    const reason = "reason" in happening ? happening.reason : undefined;
    if (next === this.#state && reason === undefined) return;
    const sameName = next.name === this.#state.name;
    this.#state = next;
    this.#lastError = reason;
    if (!sameName || reason !== undefined) this.#listener(next.name, reason);
  }
}

function takenBy(key: string, leaseId: bigint): EtcdError {
  const lease = leaseId === 0n ? "on no lease" : `on lease ${leaseId.toString(16)}`;
  return new EtcdError("ALREADY_EXISTS", `${key} belongs to somebody else (${lease})`);
}
