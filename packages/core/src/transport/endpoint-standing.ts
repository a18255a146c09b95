import { failureNature } from "../errors/server-errors.ts";
import { backoffMs } from "../util/backoff.ts";
import type { ConnectionEvent } from "./connection-state.ts";
import { SET_ASIDE, type SetAsideRules, type Topology } from "./topology.ts";

/**
 * Whether an endpoint may be used now. After a failure it is set aside; from then on it is tried at growing intervals, in
 * the background, until it works. Calls try it only while no other endpoint works, one at a time.
 */
export class EndpointStanding {
  readonly url: string;
  readonly #rules: SetAsideRules;
  readonly #onEvent: (event: ConnectionEvent) => void;
  /** How often it was tried and found failing since it last worked. */
  #failures = 0;
  #failedAt = 0;
  #retryAt = 0;
  #lastError: string | undefined;
  #usedAt: number | undefined;
  #works = false;
  #learnerUntil: number | undefined;
  /** How long after its last failure a health check is enough; before, only an answered call is. 0 where that is at once. */
  #trustAfterMs = 0;
  #vouched = false;
  #answers = 0;

  constructor(url: string, topology: Topology, onEvent: (event: ConnectionEvent) => void) {
    this.url = url;
    this.#rules = SET_ASIDE[topology];
    this.#onEvent = onEvent;
  }

  /** When it was wanted for the first time, on `performance.now()`'s scale. */
  get usedAt(): number | undefined {
    return this.#usedAt;
  }

  /** It answered, and nothing has failed since. */
  get works(): boolean {
    return this.#works;
  }

  get failing(): boolean {
    return this.#failures > 0;
  }

  get learner(): boolean {
    return this.#learnerUntil !== undefined;
  }

  /** A passed health check would not show yet that its calls work again. */
  get needsProof(): boolean {
    return this.learner || (this.failing && performance.now() - this.#failedAt < this.#trustAfterMs);
  }

  /** It fails, but somebody answers there: of those that fail, one to try first. */
  get vouched(): boolean {
    return this.#vouched;
  }

  /** When this endpoint may be used again, on `performance.now()`'s scale. */
  get retryAt(): number {
    return this.#retryAt;
  }

  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** How many answers came from here. */
  get answers(): number {
    return this.#answers;
  }

  /**
   * Reserves an endpoint that failed for the one that tries it: a member that hangs would otherwise take its share of all
   * calls down with it.
   */
  claim(): void {
    if (this.#usedAt === undefined) {
      this.#usedAt = performance.now();
      this.#onEvent({ type: "used", url: this.url });
    }
    if (this.#failures === 0) return;
    if (this.#learnerUntil !== undefined && performance.now() < this.#learnerUntil) return;
    this.#retryAt = performance.now() + backoffMs(this.#failures, this.#rules);
    this.#failures += 1;
  }

  succeeded(): void {
    this.#answers += 1;
    if (this.#works) return;
    // Some calls a learner does answer.
    if (this.#learnerUntil !== undefined && performance.now() < this.#learnerUntil) return;
    this.#recover();
  }

  /** Sets the endpoint aside. What began before the last failure was noticed belongs to that failure, not to a new one. */
  failed(reason: string, startedAt: number): void {
    const nature = failureNature(reason);
    if (nature === "learner" && this.#rules.learnerMs !== undefined) {
      this.foundLearner(reason);
      return;
    }
    const { refusedMs, suspectMs } = this.#rules;
    this.#trustAfterMs = nature === "unreachable" ? 0 : nature === "silent" ? suspectMs : refusedMs;
    this.#setAside(reason, startedAt);
  }

  /** Its member has no vote. Left out until it may have been promoted. */
  foundLearner(reason: string): void {
    const { learnerMs } = this.#rules;
    if (learnerMs === undefined) return;
    this.#lastError = reason;
    this.#failedAt = performance.now();
    this.#failures = 1;
    this.#retryAt = this.#failedAt + learnerMs;
    this.#works = false;
    this.#learnerUntil = this.#retryAt;
    this.#vouched = true;
    this.#onEvent({ type: "learner", url: this.url, reason });
  }

  /**
   * It was asked and answered. Where a call was answered, or the connection was all that failed, it works again;
   * otherwise after some time without a complaint.
   */
  checkPassed(proven: boolean, startedAt: number): void {
    // Something failed while it was asked.
    if (startedAt < this.#failedAt) return;
    if (this.#learnerUntil !== undefined && (!proven || performance.now() < this.#learnerUntil)) return;
    if (proven || performance.now() - this.#failedAt >= this.#trustAfterMs) {
      if (!this.#works) this.#recover();
    } else {
      this.#vouched = true;
      this.#retryAt = 0;
    }
  }

  checkFailed(reason: string, startedAt: number): void {
    if (this.#failures === 0) this.#trustAfterMs = 0;
    this.#setAside(reason, startedAt);
  }

  #setAside(reason: string, startedAt: number): void {
    this.#lastError = reason;
    this.#works = false;
    this.#vouched = false;
    this.#learnerUntil = undefined;
    if (startedAt >= this.#failedAt) {
      this.#failedAt = performance.now();
      this.#failures = Math.max(1, this.#failures);
      this.#retryAt = this.#failedAt + backoffMs(this.#failures - 1, this.#rules);
    }
    this.#onEvent({ type: "failed", url: this.url, reason });
  }

  #recover(): void {
    this.#failures = 0;
    this.#retryAt = 0;
    this.#lastError = undefined;
    this.#usedAt ??= performance.now();
    this.#works = true;
    this.#learnerUntil = undefined;
    this.#vouched = false;
    this.#onEvent({ type: "answered", url: this.url });
  }
}
