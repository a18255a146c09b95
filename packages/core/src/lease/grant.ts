import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import { type CallOptions, timeoutOption } from "../transport/call-options.ts";
import type { Connection } from "../transport/connection.ts";
import * as rpcs from "../transport/rpcs.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import { systemClock } from "../util/clock.ts";
import { type Lease, toLease } from "./lease.ts";

export interface Granted {
  readonly lease: Lease;
  /** On the deadline clock: its TTL has not begun before. */
  readonly sentAt: number;
}

const BACKOFF = { initialMs: 20, maxMs: 500 };

/**
 * Grants a lease under an id made at random just now. Nobody else has it, so where it exists already, an earlier sending
 * of the same call granted it: that is success, told late. A lease that has even ended by then left nothing behind, and is
 * granted again.
 *
 * @throws `unknown` as outcome from the moment on at which a sending is known to have run.
 */
export async function grantNew(
  connection: Connection,
  { id, ttlSeconds }: Lease,
  { signal, timeoutMs }: CallOptions,
): Promise<Granted> {
  const limitMs = timeoutOption(timeoutMs, connection.defaultTimeoutMs);
  const deadline = performance.now() + limitMs;
  const beganAt = systemClock.now();
  const timeLeft = (): CallOptions => ({ signal, timeoutMs: Math.max(1, deadline - performance.now()) });
  const request = { ID: id, TTL: BigInt(ttlSeconds) };
  for (let round = 0; ; round += 1) {
    const sentAt = systemClock.now();
    try {
      const granted = await connection.unary(rpcs.leaseGrant, request, timeLeft());
      return { lease: toLease(id, granted.TTL), sentAt };
    } catch (error) {
      if (!isEtcdError(error, "LEASE_EXISTS")) throw round === 0 ? error : sinceGranted(error);
    }
    const found = await lookUp(connection, id, timeLeft());
    // It may be the first sending's, whichever was answered.
    if (found.TTL >= 0n) return { lease: toLease(id, found.grantedTTL), sentAt: beganAt };
    // Or a member was asked that is behind the one which found the id taken: then it shows at the next round.
    await pause(backoffMs(round, BACKOFF), signal, connection.closing);
    if (performance.now() >= deadline) {
      throw new EtcdError("TIMEOUT", `LeaseGrant gave no lease that lives within ${limitMs} ms`, {
        outcome: "unknown",
      });
    }
  }
}

async function lookUp(
  connection: Connection,
  id: bigint,
  options: CallOptions,
): Promise<{ readonly TTL: bigint; readonly grantedTTL: bigint }> {
  try {
    return await connection.unary(rpcs.leaseTimeToLive, { ID: id, keys: false }, options);
  } catch (error) {
    throw sinceGranted(error);
  }
}

/** What failed may itself be a read, or provably not have run: the lease was granted before. */
function sinceGranted(thrown: unknown): EtcdError {
  const error = EtcdError.from(thrown);
  const text = "LeaseGrant was sent again, and its answer lost";
  return new EtcdError(error.code, `${text} (${error.message})`, { outcome: "unknown", cause: error });
}
