import { EtcdError, type Outcome } from "../errors/etcd-error.ts";
import { onAbort, raceAbort } from "./abort.ts";

export interface Bounds {
  /** What is being done, for the message of an error: "publish". */
  readonly what: string;
  /** The caller's; ends it with `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  /** Default: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Why it takes so long, as far as known: an error by timeout has its code and its text, and has it as cause. */
  readonly lastError?: () => EtcdError | undefined;
  /** What is known of a write that is ended so. */
  readonly outcome?: Outcome;
}

/** One bound for an operation of several steps: the caller's signal and the caller's time, whichever comes first. */
export class Deadline {
  readonly #bounds: Bounds;
  readonly #at: number;
  readonly #controller = new AbortController();
  readonly #release: () => void;

  constructor(bounds: Bounds) {
    const { signal, timeoutMs } = bounds;
    this.#bounds = bounds;
    this.#at = performance.now() + (timeoutMs ?? Infinity);
    const timer =
      timeoutMs === undefined ? undefined : setTimeout(() => this.#timedOut(timeoutMs), timeoutMs);
    const removeListener = onAbort(signal, (reason) => this.#end("ABORTED", "aborted", reason));
    this.#release = () => {
      clearTimeout(timer);
      removeListener();
    };
  }

  /** Aborted when the operation is over its bound; the reason is the error to throw. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What is left, for one call of the client. */
  callOptions(): { readonly signal: AbortSignal | undefined; readonly timeoutMs: number | undefined } {
    const { signal, timeoutMs } = this.#bounds;
    const leftMs = Math.max(1, Math.ceil(this.#at - performance.now()));
    return { signal, timeoutMs: timeoutMs === undefined ? undefined : leftMs };
  }

  /** Settles as the promise does, or rejects when the bound is reached; what is behind the promise goes on. */
  race<T>(promise: Promise<T>): Promise<T> {
    return raceAbort(promise, this.signal);
  }

  /** To be called when the operation has ended: removes the timer and the listener. */
  release(): void {
    this.#release();
  }

  #timedOut(timeoutMs: number): void {
    const cause = this.#bounds.lastError?.();
    const why = cause === undefined ? "" : ` (${cause.message})`;
    this.#end(cause?.code ?? "TIMEOUT", `not done within ${timeoutMs} ms${why}`, cause);
  }

  #end(code: EtcdError["code"], text: string, cause: unknown): void {
    const { what, outcome } = this.#bounds;
    this.#controller.abort(new EtcdError(code, `${what}: ${text}`, { cause, outcome }));
  }
}

/** Settles as `promise` does, or rejects when a bound is reached; what is behind the promise goes on. */
export async function bounded<T>(promise: Promise<T>, bounds: Bounds): Promise<T> {
  const deadline = new Deadline(bounds);
  try {
    return await deadline.race(promise);
  } finally {
    deadline.release();
  }
}
