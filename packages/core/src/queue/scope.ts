import { EtcdError } from "../errors/etcd-error.ts";
import { onAbort } from "../util/abort.ts";

export interface ScopeOptions {
  /** What is being done, for the message of an error: "lock \"jobs\": acquire". */
  readonly what: string;
  /** Ends the scope with `TIMEOUT` after so many milliseconds. Default: never. */
  readonly timeoutMs?: number | undefined;
}

/**
 * One signal for a wait that several things can end. Unlike `AbortSignal.any` it takes its listeners off the signals it
 * heard when it is closed, and unlike `AbortSignal.timeout` its deadline keeps the process alive.
 */
export class Scope {
  readonly #controller = new AbortController();
  readonly #cleanups: (() => void)[] = [];
  readonly #what: string;

  constructor(signals: readonly (AbortSignal | undefined)[], options: ScopeOptions) {
    this.#what = options.what;
    const { timeoutMs } = options;
    if (timeoutMs !== undefined) {
      const timer = setTimeout(() => {
        this.#end(new EtcdError("TIMEOUT", `${this.#what}: not done within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#cleanups.push(() => clearTimeout(timer));
    }
    for (const signal of signals) this.#cleanups.push(onAbort(signal, (reason) => this.#end(reason)));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What to throw after `error` broke the wait: why the scope ended if it did, for that is the cause; else `error`. */
  reasonFor(error: unknown): unknown {
    return this.signal.aborted ? this.signal.reason : error;
  }

  close(): void {
    for (const cleanup of this.#cleanups) cleanup();
  }

  /** A reason of our own (a lost lease, a deleted key) stays what it is; a caller's becomes the cause of `ABORTED`. */
  #end(reason: unknown): void {
    const error =
      reason instanceof EtcdError
        ? reason
        : new EtcdError("ABORTED", `${this.#what}: aborted`, { cause: reason });
    this.#controller.abort(error);
  }
}
