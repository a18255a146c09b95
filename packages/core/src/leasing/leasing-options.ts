import { ttlOption } from "../lease/lease.ts";
import type { Session } from "../lease/session.ts";
import { sessionOption } from "../queue/session-option.ts";
import { CALL_OPTIONS, type CallOptions, checkCallOptions } from "../transport/call-options.ts";
import { numberOption, refuseUnknown } from "../util/validate.ts";
import type { LeasingClient } from "./leasing-client.ts";

export interface LeasingOptions extends CallOptions {
  /**
   * For so many seconds after the last sign of life of an owner that cannot be reached, others cannot write its keys. No
   * effect with `session`.
   *
   * @default 10
   */
  readonly ttlSeconds?: number | undefined;
  /**
   * Own keys with this session of the same client, not one opened with `lease`. When it ends the cache ends with it: calls
   * reject with the session's reason.
   *
   * @default a session of its own, and a new one after it was lost
   */
  readonly session?: Session | undefined;
  /** How many keys may be owned, and kept in memory; those least recently used are given up. @default 10000 */
  readonly maxKeys?: number | undefined;
}

/** Checked. */
export interface ResolvedLeasingOptions {
  readonly ttlSeconds: number;
  readonly session: Session | undefined;
  readonly maxKeys: number;
}

export function resolveLeasingOptions(
  client: LeasingClient,
  options: LeasingOptions,
): ResolvedLeasingOptions {
  refuseUnknown(options, ["ttlSeconds", "session", "maxKeys", ...CALL_OPTIONS], "leasing");
  checkCallOptions(options);
  const session = sessionOption(options.session, client);
  // Ownerships that nobody looks after any more would block writers.
  if (session?.adopted === true)
    throw new TypeError("session must be one whose lease ends with it, received one opened with `lease`");
  return {
    ttlSeconds: ttlOption(options.ttlSeconds, 10),
    session,
    maxKeys: numberOption(options.maxKeys, "maxKeys", { min: 1, integer: true, fallback: 10_000 }),
  };
}
