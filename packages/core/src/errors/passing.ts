import type { EtcdErrorCode } from "./error-codes.ts";
import { type EtcdError, isEtcdError } from "./etcd-error.ts";

const PASSING: readonly EtcdErrorCode[] = [
  "UNAVAILABLE",
  "TIMEOUT",
  "NO_LEADER",
  "TOO_MANY_REQUESTS",
  "NO_SPACE",
];

/** Whether the history a watch or a read would go on with is not there: compacted, restored to before it, or another cluster's. */
export function isGone(error: unknown): error is EtcdError {
  return isEtcdError(error, "COMPACTED", "FUTURE_REVISION", "CLUSTER_CHANGED");
}

/**
 * Whether an error is one that a cluster in trouble answers until it is not: who has time sends the same again later.
 * For anything else the request has to change, or somebody's permission.
 */
export function isPassing(error: unknown): error is EtcdError {
  return isEtcdError(error, ...PASSING);
}
