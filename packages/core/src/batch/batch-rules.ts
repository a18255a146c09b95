import { isEtcdError } from "../errors/etcd-error.ts";
import type { Connection } from "../transport/connection.ts";

/** What a batcher needs of the way to the cluster. */
export type BatchConnection = Pick<Connection, "unary" | "defaultTimeoutMs">;

/** Well below etcd's request limit of 1.5 MiB, which a server may have been given a lower value for. */
export const MAX_BATCH_BYTES: number = 512 * 1024;

/** Whether a batch failed on its way or for want of an answer, so that each of its operations would have failed alike. */
export function concernsTheWay(error: unknown): boolean {
  return isEtcdError(error, "UNAVAILABLE", "TIMEOUT", "NO_LEADER", "TOO_MANY_REQUESTS", "CLOSED", "ABORTED");
}
