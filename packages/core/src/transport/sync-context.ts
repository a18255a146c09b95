import type { Connection } from "./connection.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import type { SyncContext } from "./endpoint-sync.ts";
import { memberList, status } from "./rpcs.ts";

/** The deadline of calls that keep the list of endpoints up to date; the next round may do better. */
const SYNC_CALL_MS = 3_000;

/** How the list of endpoints asks for the members: in the background, over the client's own connection. */
export function syncContext(connection: Connection, pool: EndpointPool, intervalMs: number): SyncContext {
  const { closing, defaultTimeoutMs } = connection;
  const timeoutMs = Math.min(defaultTimeoutMs, SYNC_CALL_MS);
  const options = { background: true, signal: closing, timeoutMs };
  return {
    pool,
    intervalMs,
    closing,
    memberList: async () => connection.unary(memberList, { linearizable: true }, options),
    status: async (endpoint) => connection.unary(status, {}, { ...options, endpoint }),
  };
}
