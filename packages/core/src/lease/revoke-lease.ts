import { isEtcdError } from "../errors/etcd-error.ts";
import type { Connection, UnaryOptions } from "../transport/connection.ts";
import * as rpcs from "../transport/rpcs.ts";

/** Revokes a lease. One that an earlier sending of the same call has revoked, whose answer was lost, counts as done. */
export async function revokeLease(connection: Connection, id: bigint, options: UnaryOptions): Promise<void> {
  try {
    await connection.unary(rpcs.leaseRevoke, { ID: id }, options);
  } catch (error) {
    if (!isEtcdError(error, "LEASE_NOT_FOUND") || error.outcome !== "unknown") throw error;
  }
}
