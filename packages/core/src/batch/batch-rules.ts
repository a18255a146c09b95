import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import type { Connection } from "../transport/connection.ts";
import * as rpcs from "../transport/rpcs.ts";

/** What a batcher needs of the way to the cluster. */
export type BatchConnection = Pick<Connection, "unary" | "defaultTimeoutMs">;

/** Well below etcd's request limit of 1.5 MiB, which a server may have been given a lower value for. */
export const MAX_BATCH_BYTES: number = 512 * 1024;

/** Whether a batch failed on its way or for want of an answer, so that each of its operations would have failed alike. */
export function concernsTheWay(error: unknown): boolean {
  return isEtcdError(error, "UNAVAILABLE", "TIMEOUT", "NO_LEADER", "TOO_MANY_REQUESTS", "CLOSED", "ABORTED");
}

/** A batch's error as each of its calls would tell it alone: its caller knows of a `Put`, and of no transaction. */
export function toldOf({ name }: { readonly name: string }, error: unknown): unknown {
  if (!isEtcdError(error)) return error;
  const batch = `${error.code}: ${rpcs.txn.name} `;
  if (!error.message.startsWith(batch)) return error;
  return new EtcdError(error.code, `${name} ${error.message.slice(batch.length)}`, error);
}
