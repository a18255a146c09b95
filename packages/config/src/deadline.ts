import { type CallOptions, EtcdError } from "@quorumkit/core";
import { numberOption, onAbort, raceAbort, signalOption } from "@quorumkit/core/internal";

/** Longer timers overflow in Node and fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

type Operation = "ConfigCenter.open" | "publish";

/** One bound for an operation of several steps: the caller's signal and the caller's time, whichever comes first. */
export class Deadline {
  readonly #operation: Operation;
  readonly #caller: AbortSignal | undefined;
  readonly #at: number;
  readonly #controller = new AbortController();
  readonly #release: () => void;

  /** @throws TypeError for a wrong `signal` or `timeoutMs` */
  constructor(operation: Operation, options: CallOptions, defaultTimeoutMs: number) {
    this.#operation = operation;
    this.#caller = signalOption(options.signal);
    const bounds = { min: 1, max: MAX_TIMEOUT_MS, fallback: defaultTimeoutMs };
    const timeoutMs = numberOption(options.timeoutMs, "timeoutMs", bounds);
    this.#at = performance.now() + timeoutMs;
    const timer = setTimeout(() => this.#end("TIMEOUT", `it took longer than ${timeoutMs} ms`), timeoutMs);
    const remove = onAbort(this.#caller, (reason) =>
      this.#end("ABORTED", "the caller's signal aborted", reason),
    );
    this.#release = () => {
      clearTimeout(timer);
      remove();
    };
  }

  /** Aborted when the operation is over its bound. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What is left, for one call of the client. */
  callOptions(): CallOptions {
    return { signal: this.#caller, timeoutMs: Math.max(1, Math.ceil(this.#at - performance.now())) };
  }

  /** Settles as the promise does, or rejects with `TIMEOUT` or `ABORTED`. */
  race<T>(promise: Promise<T>): Promise<T> {
    return raceAbort(promise, this.signal);
  }

  /** To be called when the operation has ended: removes the timer and the listener. */
  release(): void {
    this.#release();
  }

  #end(code: "TIMEOUT" | "ABORTED", why: string, cause?: unknown): void {
    // Only steps without an effect on etcd race against this signal, so nothing has been applied when it wins.
    const outcome = this.#operation === "publish" ? "notApplied" : undefined;
    this.#controller.abort(new EtcdError(code, `${this.#operation}: ${why}`, { cause, outcome }));
  }
}
