import { CallProgress } from "../transport/call-progress.ts";
import type { UnaryOptions } from "../transport/connection.ts";

/** A caller who waits for what is sent. */
export interface Waiting {
  readonly settled: boolean;
  readonly signal: AbortSignal | undefined;
  /** On `performance.now()`'s scale. */
  readonly deadline: number;
  sentIn(sending: Sending, deadline: number): void;
}

/**
 * One request on its way, for all calls whose answers come with it. It may take as long as the one who waits longest, at
 * least a millisecond; who waits less ends its own wait. When nobody waits any more it is aborted, and holds up nothing.
 */
export class Sending {
  readonly progress: CallProgress = new CallProgress();
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal | undefined;
  /** Only where a signal can make all of them leave early: most calls have none, and a controller has its price. */
  readonly #abort: AbortController | undefined;
  #waiting = 0;

  constructor(calls: readonly Waiting[]) {
    let deadline = 0;
    let signal: AbortSignal | undefined;
    for (const call of calls) {
      if (call.settled) continue;
      this.#waiting += 1;
      if (call.deadline > deadline) deadline = call.deadline;
      signal ??= call.signal;
    }
    for (const call of calls) call.sentIn(this, deadline);
    // Who is alone ends the call itself, and not only its wait for it.
    if (signal !== undefined && this.#waiting > 1) this.#abort = new AbortController();
    this.#signal = this.#abort?.signal ?? signal;
    this.#timeoutMs = Math.max(1, deadline - performance.now());
  }

  get options(): UnaryOptions {
    return { timeoutMs: this.#timeoutMs, signal: this.#signal, progress: this.progress };
  }

  /** One of the calls gave up. */
  left(): void {
    this.#waiting -= 1;
    if (this.#waiting === 0) this.#abort?.abort();
  }
}
