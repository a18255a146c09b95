import { MAX_TIMER_MS } from "../util/clock.ts";
import { numberOption, signalOption } from "../util/validate.ts";

/** What every call accepts, mixed into its last options argument. */
export interface CallOptions {
  /** Ends the call; it rejects with `ABORTED` and the signal's reason as cause. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The call's deadline in milliseconds, all repetitions included.
   *
   * @default the client's `timeoutMs`, 5000 unless set
   */
  readonly timeoutMs?: number | undefined;
}

export const CALL_OPTIONS: readonly (keyof CallOptions)[] = ["signal", "timeoutMs"];

export function timeoutOption(value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  return numberOption(value, "timeoutMs", { min: 1, max: MAX_TIMER_MS, fallback });
}

export function checkCallOptions(options: CallOptions): void {
  signalOption(options.signal);
  timeoutOption(options.timeoutMs, 1);
}
