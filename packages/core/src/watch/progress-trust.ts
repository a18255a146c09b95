import { isEtcdError } from "../errors/etcd-error.ts";
import type { Connection } from "../transport/connection.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import * as rpcs from "../transport/rpcs.ts";

/**
 * Whether what a member says of its progress, when asked, holds: before 3.4.25 and 3.5.8 that overtakes the events it is
 * about (etcd#15220).
 */
export async function hasOrderedProgress(connection: Connection, endpoint: Endpoint): Promise<boolean> {
  try {
    const { version } = await connection.unary(rpcs.status, {}, { endpoint });
    return isOrdered(version);
  } catch (error) {
    // Members that want a login for this are newer than that (3.4.42, 3.5.28).
    return isEtcdError(error, "PERMISSION_DENIED", "UNAUTHENTICATED");
  }
}

/** By version, such as `3.5.30`; of one that cannot be read nothing is known. */
export function isOrdered(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number);
  if (major !== 3 || minor > 5) return major > 3 || (major === 3 && minor > 5);
  return (minor === 5 && patch >= 8) || (minor === 4 && patch >= 25);
}
