import type { BackoffOptions } from "../util/backoff.ts";
import { MAX_TIMER_MS } from "../util/clock.ts";
import { describe, numberOption, refuseUnknown } from "../util/validate.ts";

/**
 * How often and how patiently a call is repeated that may be: a read, and a write that provably never ran or is idempotent
 * by construction. Nothing here makes any other write go out twice (guarantee G1), and no call outlasts its `timeoutMs`.
 * Watches, lease renewals and streamed answers (`scan`, `snapshot`) have their own rules.
 */
export interface RetryOptions {
  /**
   * How many times a call is tried at most, the first time included; 1 repeats nothing. A try that finds no connection
   * counts, one whose token had expired does not. The call then fails as its last try did.
   *
   * @default as often as `timeoutMs` leaves time for
   */
  readonly maxAttempts?: number | undefined;
  /**
   * The delay before the first repetition, in milliseconds; before each further one twice as much. Up to half of each
   * delay is taken off at random. A call whose next delay would outlast its deadline fails at once.
   *
   * @default 0: another endpoint is tried at once, and one that failed is set aside for a while in any case
   */
  readonly delayMs?: number | undefined;
  /** The longest delay, in milliseconds; not below `delayMs`. @default ten times `delayMs` */
  readonly maxDelayMs?: number | undefined;
}

export interface RetryPolicy extends BackoffOptions {
  readonly maxAttempts: number;
}

const OPTIONS: readonly (keyof RetryOptions)[] = ["maxAttempts", "delayMs", "maxDelayMs"];

export function resolveRetry(options: RetryOptions = {}): RetryPolicy {
  refuseUnknown(options, OPTIONS, "retry");
  const maxAttempts = numberOption(options.maxAttempts, "retry.maxAttempts", {
    min: 1,
    integer: true,
    fallback: Number.POSITIVE_INFINITY,
  });
  const initialMs = numberOption(options.delayMs, "retry.delayMs", {
    min: 0,
    max: MAX_TIMER_MS,
    fallback: 0,
  });
  const maxMs = numberOption(options.maxDelayMs, "retry.maxDelayMs", {
    min: 0,
    max: MAX_TIMER_MS,
    fallback: Math.min(10 * initialMs, MAX_TIMER_MS),
  });
  if (maxMs < initialMs)
    throw new TypeError(
      `retry.maxDelayMs must be at least retry.delayMs (${initialMs}), received ${describe(maxMs)}`,
    );
  return { maxAttempts, initialMs, maxMs };
}
