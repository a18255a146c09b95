import type { Bytes, EtcdClient, Session } from "@quorumkit/core";
import { describe, refuseUnknown, sessionOption, ttlOption } from "@quorumkit/core/internal";

export interface ElectionOptions {
  /**
   * After so many seconds without a sign of life a leader's place falls to the next candidate. Below 5 seconds every
   * crash of etcd's own leader costs yours its leadership. Not with `session`.
   *
   * @default 10
   */
  readonly ttlSeconds?: number | undefined;
  /**
   * Candidates hang on this session of the same client, which is left alone when they resign; when it is lost they cannot come back.
   *
   * @default a session of its own for each candidate, and a new one when that is lost while waiting
   */
  readonly session?: Session | undefined;
}

export interface CheckedElectionOptions {
  readonly ttlSeconds: number;
  readonly session: Session | undefined;
}

export function checkElectionOptions(etcd: EtcdClient, options: ElectionOptions): CheckedElectionOptions {
  refuseUnknown(options, ["ttlSeconds", "session"], "Election");
  const { ttlSeconds } = options;
  const session = sessionOption(options.session, etcd);
  if (session !== undefined && ttlSeconds !== undefined) {
    throw new TypeError("ttlSeconds has no effect with session, which has its own");
  }
  return { session, ttlSeconds: ttlOption(ttlSeconds, 10) };
}

export function checkValue(value: Bytes): Bytes {
  if (typeof value === "string" || value instanceof Uint8Array) return value;
  throw new TypeError(`value must be a string or a Uint8Array, received ${describe(value)}`);
}

export function checkFunction(value: unknown, name: string): void {
  if (typeof value !== "function")
    throw new TypeError(`${name} must be a function, received ${describe(value)}`);
}
