import type { CallOptions } from "../transport/call-options.ts";
import type { Connection } from "../transport/connection.ts";
import * as rpcs from "../transport/rpcs.ts";
import type { Granted } from "./grant.ts";
import { keepAliveOnce } from "./keep-alive-once.ts";
import { leaseNotFound, toLease } from "./lease.ts";

/**
 * Looks up a lease that somebody granted, and renews it once, so that there is a moment from which on its whole TTL is
 * proven. `sentAt` is when the answered renewal was sent, on the deadline clock.
 *
 * @throws EtcdError `LEASE_NOT_FOUND`.
 */
export async function adoptLease(
  connection: Connection,
  id: bigint,
  { signal, timeoutMs }: CallOptions & { readonly timeoutMs: number },
): Promise<Granted> {
  const deadline = performance.now() + timeoutMs;
  // A lease that has expired but is not revoked yet has nothing left; a renewal of it would not be answered until it is.
  const found = await connection.unary(rpcs.leaseTimeToLive, { ID: id, keys: false }, { signal, timeoutMs });
  if (found.TTL < 0n) throw leaseNotFound(id);
  const leftMs = Math.max(1, deadline - performance.now());
  const { ttlSeconds, sentAt } = await keepAliveOnce(connection, id, { signal, timeoutMs: leftMs });
  if (ttlSeconds <= 0) throw leaseNotFound(id);
  return { lease: toLease(id, ttlSeconds), sentAt };
}
