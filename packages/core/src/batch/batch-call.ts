import { EtcdError, type Outcome } from "../errors/etcd-error.ts";
import type { UnaryRpc } from "../transport/rpcs.ts";
import { onAbort } from "../util/abort.ts";
import { signalOption } from "../util/validate.ts";
import type { Sending, Waiting } from "./sending.ts";

/** What the caller asked for, whatever it is sent in. */
type CalledRpc = Pick<UnaryRpc<never, never>, "name" | "kind">;

/** Deadlines as near as this are one: calls of one tick with the client's own timeout differ by less. */
const SAME_MS = 5;

/**
 * One caller's part in a batch: its own signal and deadline, which end its wait and not the batch. A call with the
 * client's own deadline needs no timer while the batch has the same.
 */
export class BatchCall<Result> implements Waiting {
  readonly signal: AbortSignal | undefined;
  readonly #rpc: CalledRpc;
  /** On `performance.now()`'s scale. */
  readonly deadline: number;
  readonly #settle: { resolve(result: Result): void; reject(reason: unknown): void };
  readonly #timeoutMs: number;
  #timer: NodeJS.Timeout | undefined;
  #removeListener: (() => void) | undefined;
  #sending: Sending | undefined;
  settled = false;

  constructor(
    rpc: CalledRpc,
    options: {
      readonly signal: AbortSignal | undefined;
      readonly timeoutMs: number;
      readonly ownTimer?: boolean;
    },
    settle: { resolve(result: Result): void; reject(reason: unknown): void },
  ) {
    this.#rpc = rpc;
    this.signal = signalOption(options.signal);
    this.#settle = settle;
    this.#timeoutMs = options.timeoutMs;
    this.deadline = performance.now() + options.timeoutMs;
    if (options.ownTimer === true) this.#startTimer(options.timeoutMs);
    if (options.signal !== undefined)
      this.#removeListener = onAbort(options.signal, (reason) => this.#aborted(reason));
  }

  resolve(result: Result): void {
    if (this.#end()) this.#settle.resolve(result);
  }

  reject(reason: unknown): void {
    if (this.#end()) this.#settle.reject(reason);
  }

  /**
   * It goes out, and may be under way until `deadline`, which can be a neighbour's: then this call has to watch its own.
   * Where it is its own, the sending ends with it, and knows best why.
   */
  sentIn(sending: Sending, deadline: number): void {
    if (this.settled) return;
    this.#sending = sending;
    if (deadline - this.deadline < SAME_MS) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    } else if (this.#timer === undefined) {
      this.#startTimer(this.deadline - performance.now());
    }
  }

  #startTimer(ms: number): void {
    this.#timer = setTimeout(() => this.#timedOut(), ms);
  }

  #timedOut(): void {
    const { sending = true, last } = this.#sending?.progress ?? {};
    // As it would be alone: what was not sent by now found nobody who takes it.
    const code = sending ? "TIMEOUT" : (last?.code ?? "UNAVAILABLE");
    const why = last === undefined ? "" : ` (${last.details})`;
    this.#giveUp(code, `got no answer within ${this.#timeoutMs} ms${why}`, last?.cause);
  }

  #aborted(reason: unknown): void {
    this.#giveUp("ABORTED", "was aborted by the caller", reason);
  }

  #giveUp(code: EtcdError["code"], what: string, cause: unknown): void {
    this.reject(new EtcdError(code, `${this.#rpc.name} ${what}`, { cause, outcome: this.#outcome() }));
    this.#sending?.left();
  }

  /** What the caller is told when it gives up: a write that was sent may have had effect. */
  #outcome(): Outcome | undefined {
    if (this.#rpc.kind === "read") return undefined;
    return this.#sending?.progress.outcome ?? "notApplied";
  }

  #end(): boolean {
    if (this.settled) return false;
    this.settled = true;
    clearTimeout(this.#timer);
    this.#removeListener?.();
    return true;
  }
}
