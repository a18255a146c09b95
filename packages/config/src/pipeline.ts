import { deferred, onAbort } from "@quorumkit/core/internal";
import type { Outcome, StoredState } from "./snapshot.ts";

/** What a pipeline is made of. */
export interface PipelineParts {
  /** Never rejects; never called while it runs. */
  readonly build: (state: StoredState) => Promise<Outcome>;
  /** How long one build may take, in milliseconds. */
  readonly limitMs: number;
  /** Called when one takes longer; it goes on. */
  readonly overdue: () => void;
  /** Receives the outcomes in the order of their revisions. Must not throw. */
  readonly deliver: (outcome: Outcome) => void;
  /** Called when everything that was submitted has been delivered. */
  readonly idle: () => void;
}

/** Somebody who waits until a revision has been dealt with. */
interface Waiter {
  readonly revision: bigint;
  readonly done: () => void;
}

/**
 * Takes stored states as they arrive and has them built one at a time. While one is being validated only the newest of
 * those that arrive is kept: after an outage there may be a thousand, and only the last one matters.
 */
export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #waiters = new Set<Waiter>();
  #pending: StoredState | undefined;
  #running: Promise<void> | undefined;
  #settledRevision: bigint | undefined;
  #stopped = false;
  #limit: NodeJS.Timeout | undefined;
  #overdueSince: Date | undefined;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
  }

  /** Whether something that was submitted has not been delivered yet. */
  get busy(): boolean {
    return this.#running !== undefined;
  }

  /** When the build began that takes longer than it may; undefined while none does. */
  get overdueSince(): Date | undefined {
    return this.#overdueSince;
  }

  submit(state: StoredState): void {
    if (this.#stopped) return;
    this.#pending = state;
    this.#running ??= this.#drain();
  }

  /** Resolves when nothing is being built any more. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Resolves when a state of at least this revision has been delivered, accepted or not; after `stop`; or on abort. */
  async settled(revision: bigint, signal: AbortSignal): Promise<void> {
    const reached = this.#settledRevision !== undefined && this.#settledRevision >= revision;
    if (reached || this.#stopped || signal.aborted) return;
    const settled = deferred<void>();
    const waiter: Waiter = { revision, done: () => settled.resolve() };
    this.#waiters.add(waiter);
    const removeListener = onAbort(signal, waiter.done);
    await settled.promise;
    removeListener();
    this.#waiters.delete(waiter);
  }

  /** Nothing is delivered from now on. What is being built goes on; `idle` waits for it. */
  stop(): void {
    this.#stopped = true;
    this.#pending = undefined;
    clearTimeout(this.#limit);
    for (const { done } of this.#waiters) done();
  }

  async #drain(): Promise<void> {
    for (let state = this.#take(); state !== undefined; state = this.#take()) {
      this.#startLimit();
      const outcome = await this.#parts.build(state);
      this.#endLimit();
      if (this.#stopped) break;
      this.#parts.deliver(outcome);
      this.#settledRevision = state.revision;
      for (const { revision, done } of this.#waiters) if (revision <= state.revision) done();
    }
    this.#running = undefined;
    if (!this.#stopped) this.#parts.idle();
  }

  #startLimit(): void {
    const began = new Date();
    this.#limit = setTimeout(() => {
      this.#overdueSince = began;
      this.#parts.overdue();
    }, this.#parts.limitMs);
  }

  #endLimit(): void {
    clearTimeout(this.#limit);
    this.#overdueSince = undefined;
  }

  #take(): StoredState | undefined {
    const state = this.#pending;
    this.#pending = undefined;
    return state;
  }
}
