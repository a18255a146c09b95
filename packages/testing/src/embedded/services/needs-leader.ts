import { status } from "@grpc/grpc-js";
import type { MemberListRequest, RangeRequest, RequestOp, TxnRequest } from "@quorumkit/proto";
import { StatusError, errors } from "../errors.ts";

/** What a member answers by itself, whatever has become of the others. */
const always = new Set([
  "/etcdserverpb.Lease/LeaseLeases",
  "/etcdserverpb.Maintenance/Defragment",
  "/etcdserverpb.Maintenance/Hash",
  "/etcdserverpb.Maintenance/HashKV",
  "/etcdserverpb.Maintenance/MoveLeader",
  "/etcdserverpb.Maintenance/Snapshot",
  "/etcdserverpb.Maintenance/Status",
  "/grpc.health.v1.Health/Check",
  "/grpc.health.v1.Health/List",
  "/grpc.health.v1.Health/Watch",
  // Opened, and silent until there is a leader.
  "/v3electionpb.Election/Observe",
]);

/** What waits for the leader by asking for its index, and not by writing to the log. */
const reads = new Set([
  "/etcdserverpb.Auth/Authenticate",
  "/etcdserverpb.Cluster/MemberList",
  "/etcdserverpb.KV/Range",
  "/etcdserverpb.KV/RangeStream",
]);

/**
 * Whether a request can only be answered with a leader: all writes, and reads that are to be linearizable. Alarm and
 * AuthStatus go through Raft too. Source: etcd, server/etcdserver/v3_server.go.
 */
export function needsLeader(path: string, request: unknown): boolean {
  if (always.has(path)) return false;
  switch (path) {
    case "/etcdserverpb.KV/Range":
    case "/etcdserverpb.KV/RangeStream":
      return !(request as RangeRequest).serializable;
    case "/etcdserverpb.KV/Txn":
      return !isSerializableRead(request as TxnRequest);
    case "/etcdserverpb.Cluster/MemberList":
      return (request as MemberListRequest).linearizable;
    default:
      return true;
  }
}

/** Of a transaction, etcd looks at the outermost operations only. */
function isSerializableRead({ success, failure }: TxnRequest): boolean {
  const isLocal = ({ requestRange }: RequestOp): boolean => requestRange?.serializable === true;
  return success.every(isLocal) && failure.every(isLocal);
}

/** What a request fails with that has waited for a leader in vain. As observed of etcd 3.5.30 without a quorum. */
export function lateError(path: string, request: unknown): StatusError {
  if (path === "/etcdserverpb.Lease/LeaseTimeToLive") return errors.noLeader();
  if (path === "/v3electionpb.Election/Leader")
    return new StatusError(status.UNKNOWN, errors.timeout().details);
  if (reads.has(path) || (path === "/etcdserverpb.KV/Txn" && isReadOnly(request as TxnRequest))) {
    return errors.timeout();
  }
  return new StatusError(status.DEADLINE_EXCEEDED, "context deadline exceeded");
}

function isReadOnly({ success, failure }: TxnRequest): boolean {
  const isRead = ({ requestRange }: RequestOp): boolean =>
    requestRange !== undefined && requestRange !== null;
  return success.every(isRead) && failure.every(isRead);
}
