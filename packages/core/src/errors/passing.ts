import type { EtcdErrorCode } from "./error-codes.ts";
import { type EtcdError, isEtcdError } from "./etcd-error.ts";

const PASSING: readonly EtcdErrorCode[] = [
  "UNAVAILABLE",
  "TIMEOUT",
  "NO_LEADER",
  "TOO_MANY_REQUESTS",
  "NO_SPACE",
];

/**
 * Whether an error is one that a cluster in trouble answers until it is not: who has time sends the same again later.
 * For anything else the request has to change, or somebody's permission.
 */
export function isPassing(error: unknown): error is EtcdError {
  return isEtcdError(error, ...PASSING);
}
