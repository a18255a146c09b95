import type { WatchResponse } from "@quorumkit/proto";
import { EtcdError } from "../errors/etcd-error.ts";
import { meaningOfCancelReason } from "../errors/server-errors.ts";

/** Why the server ended a watch which stood before `nextRevision`, or refused to create it. */
export function endOfWatch(
  { compactRevision, cancelReason }: WatchResponse,
  nextRevision: bigint,
): EtcdError {
  if (compactRevision !== 0n) {
    return new EtcdError(
      "COMPACTED",
      `the watch cannot go on from revision ${nextRevision}: history up to ${compactRevision} is compacted`,
      { compactRevision },
    );
  }
  const reason = cancelReason === "" ? "the server gave no reason" : cancelReason;
  return new EtcdError(meaningOfCancelReason(cancelReason).code, `the server ended the watch: ${reason}`);
}

/** etcd's gRPC proxy picks all ids by itself, whatever is asked for (`grpcproxy/watch.go`). */
export function otherWatchId(wanted: bigint, given: bigint): EtcdError {
  return new EtcdError(
    "UNIMPLEMENTED",
    `the server gave the watch id ${given} in place of ${wanted}, as proxies do`,
  );
}
