import { failureNature } from "../errors/server-errors.ts";
import { tryOut } from "./endpoint-trial.ts";
import type { Endpoint } from "./endpoint.ts";

/** A check that takes longer has failed. Rather long, since a busy event loop sees every answer late. */
const CHECK_MS = 2_000;

/** How often endpoints are asked that seem to work. A server about to stop, or busy with itself, says so before it hangs. */
const WORKING_EVERY_MS = 10_000;

/** How often a failing endpoint is asked at least; at most where somebody answers, but not with what would prove anything. */
const FAILING_EVERY_MS = 1_000;

export interface UpkeepContext {
  readonly endpoints: readonly Endpoint[];
  /** Whether calls or streams are under way, or wait. */
  readonly busy: boolean;
}

/**
 * Tries endpoints in the background: failing ones so that no call has to find out whether they work again, the others so
 * that calls keep away in time. Sleeps while the client is not in use, and keeps no process alive.
 */
export class EndpointUpkeep {
  readonly #context: UpkeepContext;
  readonly #closed = new AbortController();
  readonly #checkedAt = new WeakMap<Endpoint, number>();
  readonly #checking = new Set<Endpoint>();
  #timer: NodeJS.Timeout | undefined;
  #used = false;

  constructor(context: UpkeepContext) {
    this.#context = context;
  }

  /** Something was begun that needs an endpoint. On the way of every call. */
  wake(): void {
    this.#used = true;
    if (this.#timer === undefined) this.plan();
  }

  /** Sets the timer for what is due next; to be called when that may have come nearer. */
  plan(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#closed.signal.aborted) return;
    const now = performance.now();
    const due = this.#context.endpoints.map((each) => this.#dueAt(each));
    const next = Math.min(now + WORKING_EVERY_MS, ...due);
    this.#timer = setTimeout(() => this.#turn(), Math.max(1, next - now));
    this.#timer.unref();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#closed.abort();
  }

  #turn(): void {
    this.#timer = undefined;
    if (!this.#used && !this.#context.busy) return;
    this.#used = false;
    const now = performance.now();
    for (const endpoint of this.#context.endpoints) {
      if (this.#dueAt(endpoint) <= now) void this.#check(endpoint);
    }
    this.plan();
  }

  #dueAt(endpoint: Endpoint): number {
    const { usedAt, failing, retryAt } = endpoint;
    if (usedAt === undefined || this.#checking.has(endpoint)) return Infinity;
    const last = this.#checkedAt.get(endpoint);
    if (!failing) return (last ?? usedAt) + WORKING_EVERY_MS;
    const soonest = (last ?? usedAt) + FAILING_EVERY_MS;
    if (endpoint.vouched) return Math.max(retryAt, soonest);
    // Calls that try it, where there is no other, put `retryAt` off; they may be too few, or too hasty, to find out.
    return last === undefined ? retryAt : Math.min(retryAt, soonest);
  }

  async #check(endpoint: Endpoint): Promise<void> {
    const startedAt = performance.now();
    const { answers } = endpoint;
    this.#checking.add(endpoint);
    if (!endpoint.vouched) endpoint.claim();
    const trial = await tryOut(endpoint, { timeoutMs: CHECK_MS, signal: this.#closed.signal });
    this.#checking.delete(endpoint);
    if (this.#closed.signal.aborted) return;
    this.#checkedAt.set(endpoint, performance.now());
    if (trial.verdict !== "fails" || trial.answered) endpoint.callHeard();
    else endpoint.callUnheard(startedAt);
    if (trial.verdict !== "fails") endpoint.checkPassed(trial.verdict === "works", startedAt);
    else if (failureNature(trial.reason) === "learner") endpoint.foundLearner(trial.reason);
    // What answered meanwhile is not dead, and may have been too busy for this.
    else if (endpoint.failing || endpoint.answers === answers) endpoint.checkFailed(trial.reason, startedAt);
    if (this.#timer !== undefined) this.plan();
  }
}
