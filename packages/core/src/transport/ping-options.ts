import { MAX_TIMER_MS } from "../util/clock.ts";
import { numberOption, refuseUnknown } from "../util/validate.ts";

/** HTTP/2 pings, which find out that a peer is dead that says nothing. Sent only while calls or streams are under way. */
export interface PingOptions {
  /** How long after the last ping the next one goes out, in milliseconds; at least 10 s. @default 10000 */
  readonly everyMs?: number | undefined;
  /** How long an answer may take before the connection is given up, in milliseconds; at least 1 s. @default 5000 */
  readonly timeoutMs?: number | undefined;
}

export interface ResolvedPings {
  readonly everyMs: number;
  readonly timeoutMs: number;
}

/** Fills in defaults. etcd closes connections that ping more often than every 5 s. */
export function resolvePings(pings: PingOptions = {}): ResolvedPings {
  refuseUnknown(pings, ["everyMs", "timeoutMs"], "pings");
  const { everyMs, timeoutMs } = pings;
  return {
    everyMs: numberOption(everyMs, "pings.everyMs", { min: 10_000, max: MAX_TIMER_MS, fallback: 10_000 }),
    timeoutMs: numberOption(timeoutMs, "pings.timeoutMs", { min: 1_000, max: MAX_TIMER_MS, fallback: 5_000 }),
  };
}
