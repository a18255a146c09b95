import { isEtcdError } from "../errors/etcd-error.ts";
import type { CallOptions } from "../transport/call-options.ts";
import type { Connection } from "../transport/connection.ts";
import * as rpcs from "../transport/rpcs.ts";
import type { Lease } from "./lease.ts";

/**
 * Grants a lease under an id made at random just now. Nobody else has it, so where it exists already, an earlier sending
 * of the same call granted it.
 */
export async function grantNew(
  connection: Connection,
  { id, ttlSeconds }: Lease,
  { signal, timeoutMs }: CallOptions,
): Promise<Lease> {
  try {
    const granted = await connection.unary(
      rpcs.leaseGrant,
      { ID: id, TTL: BigInt(ttlSeconds) },
      { signal, timeoutMs },
    );
    return { id, ttlSeconds: Number(granted.TTL) };
  } catch (error) {
    if (!isEtcdError(error, "LEASE_EXISTS")) throw error;
    const found = await connection.unary(
      rpcs.leaseTimeToLive,
      { ID: id, keys: false },
      { signal, timeoutMs },
    );
    if (found.TTL < 0n) throw error;
    return { id, ttlSeconds: Number(found.grantedTTL) };
  }
}
