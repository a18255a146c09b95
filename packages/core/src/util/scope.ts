import type { EtcdErrorCode } from "../errors/error-codes.ts";
import { EtcdError, type Outcome } from "../errors/etcd-error.ts";
import { onAbort, raceAbort } from "./abort.ts";

export interface Bounds {
  /** What is being done, for the message of an error: "publish". */
  readonly what: string;
  /** The caller's; ends it with `ABORTED`, whatever it was aborted with. */
  readonly signal?: AbortSignal | undefined;
  /** Default: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Why it takes so long, as far as known: an error by timeout has its code and its text, and has it as cause. */
  readonly lastError?: () => EtcdError | undefined;
  /** The code of an error by timeout. Default: that of the last error, or `TIMEOUT`. */
  readonly timeoutCode?: EtcdErrorCode;
  /** What is known of a write that is ended so. */
  readonly outcome?: Outcome;
}

/**
 * One bound for something of several steps, as a signal: the caller's signal, the caller's time, and whatever else can end
 * it. Unlike `AbortSignal.any` it takes its listeners off the signals it heard when it is closed, and unlike
 * `AbortSignal.timeout` its deadline keeps the process alive.
 */
export class Scope {
  readonly #bounds: Bounds;
  readonly #at: number;
  readonly #controller = new AbortController();
  readonly #cleanups: (() => void)[] = [];

  /** Of `signals`, a reason of our own (a lost lease, a deleted key) stays what it is; another is the cause of `ABORTED`. */
  constructor(signals: readonly (AbortSignal | undefined)[], bounds: Bounds) {
    const { signal: callers, timeoutMs } = bounds;
    this.#bounds = bounds;
    this.#at = performance.now() + (timeoutMs ?? Infinity);
    if (timeoutMs !== undefined) {
      const timer = setTimeout(() => this.#timedOut(timeoutMs), timeoutMs);
      this.#cleanups.push(() => clearTimeout(timer));
    }
    this.#cleanups.push(onAbort(callers, (reason) => this.#aborted(reason)));
    for (const signal of signals) {
      const end = (reason: unknown): void =>
        reason instanceof EtcdError ? this.#controller.abort(reason) : this.#aborted(reason);
      this.#cleanups.push(onAbort(signal, end));
    }
  }

  /** Aborted when a bound is reached; the reason is the error to throw. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What is left, for one call of the client. */
  callOptions(): { readonly signal: AbortSignal | undefined; readonly timeoutMs: number | undefined } {
    const { signal, timeoutMs } = this.#bounds;
    const leftMs = Math.max(1, Math.ceil(this.#at - performance.now()));
    return { signal, timeoutMs: timeoutMs === undefined ? undefined : leftMs };
  }

  /** Settles as the promise does, or rejects when a bound is reached; what is behind the promise goes on. */
  race<T>(promise: Promise<T>): Promise<T> {
    return raceAbort(promise, this.signal);
  }

  /** What to throw after `error` broke the wait: why the scope ended if it did, for that is the cause; else `error`. */
  reasonFor(error: unknown): unknown {
    return this.signal.aborted ? this.signal.reason : error;
  }

  /** To be called when all is done: removes the timer and the listeners. */
  close(): void {
    for (const cleanup of this.#cleanups) cleanup();
  }

  #timedOut(timeoutMs: number): void {
    const cause = this.#bounds.lastError?.();
    const why = cause === undefined ? "" : ` (${cause.message})`;
    const code = this.#bounds.timeoutCode ?? cause?.code ?? "TIMEOUT";
    this.#end(code, `not done within ${Math.ceil(timeoutMs)} ms${why}`, cause);
  }

  #aborted(reason: unknown): void {
    this.#end("ABORTED", "aborted", reason);
  }

  #end(code: EtcdErrorCode, text: string, cause: unknown): void {
    const { what, outcome } = this.#bounds;
    this.#controller.abort(new EtcdError(code, `${what}: ${text}`, { cause, outcome }));
  }
}

/** Settles as `promise` does, or rejects when a bound is reached; what is behind the promise goes on. */
export async function bounded<T>(promise: Promise<T>, bounds: Bounds): Promise<T> {
  const scope = new Scope([], bounds);
  try {
    return await scope.race(promise);
  } finally {
    scope.close();
  }
}
