/** For the sibling packages only. Not public API: anything here may change in any release. */
export { isPassing } from "./errors/passing.ts";
export { Session } from "./lease/session.ts";
export { ttlOption } from "./lease/lease.ts";
export { HeldLock } from "./lock/held-lock.ts";
export { claim } from "./queue/claims.ts";
export { FairQueue, type Occupied } from "./queue/fair-queue.ts";
export type { GuardedTxn } from "./queue/guarded-txn.ts";
export type { Ownership } from "./queue/ownership.ts";
export { SessionKey } from "./queue/session-key.ts";
export { sessionOption } from "./queue/session-option.ts";
export { settleWithin } from "./queue/settle-within.ts";
export type { QueueClient, QueueKey, Ticket } from "./queue/ticket.ts";
export type { WaitOptions } from "./queue/wait-until.ts";
export { CALL_OPTIONS, checkCallOptions, timeoutOption } from "./transport/call-options.ts";
export { onAbort, pause, raceAbort } from "./util/abort.ts";
export { backoffMs, type BackoffOptions } from "./util/backoff.ts";
export { checkClient } from "./util/check-client.ts";
export { type Clock, MAX_TIMER_MS, systemClock } from "./util/clock.ts";
export { deferred, type Deferred } from "./util/deferred.ts";
export { Emitter } from "./util/emitter.ts";
export { bounded, type Bounds, Scope } from "./util/scope.ts";
export {
  bigintOption,
  booleanOption,
  describe,
  numberOption,
  refuseUnknown,
  signalOption,
} from "./util/validate.ts";
