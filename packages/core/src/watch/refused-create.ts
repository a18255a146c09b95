import { type EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import type { Connection } from "../transport/connection.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import * as rpcs from "../transport/rpcs.ts";
import type { Token } from "../transport/token.ts";

/**
 * Whether a watch that the server refused to create is worth another try on a new stream. A stream keeps the token it was
 * opened with, so one that lives long refuses what a new one would not (etcd#12385).
 */
export async function deservesNewStream(
  connection: Connection,
  { endpoint, token }: { readonly endpoint: Endpoint; readonly token: Token },
  key: Uint8Array,
  error: EtcdError,
): Promise<boolean> {
  if (isEtcdError(error, "UNAUTHENTICATED")) return token.refused();
  if (!token.current) return true;
  // Old servers (before 3.4.25 and 3.5.8) say "permission denied" of an expired token, too. A call tells them apart: if
  // the token has expired there, it ends with another one.
  try {
    await connection.unary(rpcs.range, { key, countOnly: true }, { endpoint });
  } catch {
    // Whatever it was, the watch has its own error.
  }
  return !token.current;
}
