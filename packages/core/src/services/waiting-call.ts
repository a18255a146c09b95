import { MAX_TIMER_MS } from "../util/clock.ts";
import type { CallOptions } from "../transport/call-options.ts";

/** Options of a call that is answered only when its turn comes. */
export interface WaitingCallOptions extends CallOptions {
  /**
   * How long to wait, in ms; for a server to be reached, too.
   *
   * @default without end, until `signal` aborts or the client closes
   */
  readonly timeoutMs?: number | undefined;
}

/**
 * A wait for others is not a server that hangs: it gets no default deadline. A server that cannot be reached is followed by
 * another one, and one that goes while the call waits shows by pings.
 */
export function waitingCall({ signal, timeoutMs = MAX_TIMER_MS }: WaitingCallOptions): CallOptions {
  return { signal, timeoutMs };
}
