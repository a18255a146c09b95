import { EtcdError, type Outcome } from "../errors/etcd-error.ts";
import { onAbort } from "../util/abort.ts";
import { signalOption } from "../util/validate.ts";

/** Deadlines as near as this are one: calls of one tick with the client's own timeout differ by less. */
const SAME_MS = 5;

/**
 * One caller's part in a batch: its own signal and deadline, which end its wait and not the batch. A call with the
 * client's own deadline needs no timer while the batch has the same.
 */
export class BatchCall<Result> {
  readonly signal: AbortSignal | undefined;
  readonly #name: string;
  /** On `performance.now()`'s scale. */
  readonly deadline: number;
  readonly #settle: { resolve(result: Result): void; reject(reason: unknown): void };
  readonly #timeoutMs: number;
  #timer: NodeJS.Timeout | undefined;
  #removeListener: (() => void) | undefined;
  /** What the caller is told when it gives up: a write that was sent may have had effect. */
  outcome: Outcome | undefined;
  settled = false;

  constructor(
    name: string,
    options: {
      readonly signal: AbortSignal | undefined;
      readonly timeoutMs: number;
      readonly ownTimer?: boolean;
    },
    settle: { resolve(result: Result): void; reject(reason: unknown): void },
  ) {
    this.#name = name;
    this.signal = signalOption(options.signal);
    this.#settle = settle;
    this.#timeoutMs = options.timeoutMs;
    this.deadline = performance.now() + options.timeoutMs;
    if (options.ownTimer === true) this.#startTimer(options.timeoutMs);
    if (options.signal !== undefined) {
      this.#removeListener = onAbort(options.signal, (cause) => {
        this.reject(
          new EtcdError("ABORTED", `${name} was aborted by the caller`, { cause, outcome: this.outcome }),
        );
      });
    }
  }

  resolve(result: Result): void {
    if (this.#end()) this.#settle.resolve(result);
  }

  reject(reason: unknown): void {
    if (this.#end()) this.#settle.reject(reason);
  }

  /** The batch goes out and may take until `deadline`, which can be a neighbour's: then this call has to watch its own. */
  sentUntil(deadline: number): void {
    if (this.settled || this.#timer !== undefined || deadline - this.deadline < SAME_MS) return;
    this.#startTimer(this.deadline - performance.now());
  }

  #startTimer(ms: number): void {
    this.#timer = setTimeout(() => this.#timedOut(), ms);
  }

  #timedOut(): void {
    this.reject(
      new EtcdError("TIMEOUT", `${this.#name} got no answer within ${this.#timeoutMs} ms`, {
        outcome: this.outcome,
      }),
    );
  }

  #end(): boolean {
    if (this.settled) return false;
    this.settled = true;
    clearTimeout(this.#timer);
    this.#removeListener?.();
    return true;
  }
}

/**
 * What is left to the one of these who waits longest, at least a millisecond: as long as one waits, a call is worth its
 * while. Who waits less ends its own wait.
 */
export function timeForAll(
  calls: readonly Pick<BatchCall<unknown>, "settled" | "deadline" | "sentUntil">[],
): number {
  let last = 0;
  for (const { settled, deadline } of calls) if (!settled && deadline > last) last = deadline;
  for (const call of calls) call.sentUntil(last);
  return Math.max(1, last - performance.now());
}
