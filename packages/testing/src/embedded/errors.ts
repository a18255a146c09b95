import { status } from "@grpc/grpc-js";

/** A call that fails with this gRPC status. */
export class StatusError extends Error {
  readonly code: status;
  readonly details: string;

  constructor(code: status, details: string) {
    super(details);
    this.name = "StatusError";
    this.code = code;
    this.details = details;
  }
}

/** Codes and texts as clients know them. Source: etcd, api/v3rpc/rpctypes/error.go of 3.5. */
const texts = {
  emptyKey: ["INVALID_ARGUMENT", "etcdserver: key is not provided"],
  keyNotFound: ["INVALID_ARGUMENT", "etcdserver: key not found"],
  valueProvided: ["INVALID_ARGUMENT", "etcdserver: value is provided"],
  leaseProvided: ["INVALID_ARGUMENT", "etcdserver: lease is provided"],
  tooManyOps: ["INVALID_ARGUMENT", "etcdserver: too many operations in txn request"],
  duplicateKey: ["INVALID_ARGUMENT", "etcdserver: duplicate key given in txn request"],
  invalidSortOption: ["INVALID_ARGUMENT", "etcdserver: invalid sort option"],
  compacted: ["OUT_OF_RANGE", "etcdserver: mvcc: required revision has been compacted"],
  futureRevision: ["OUT_OF_RANGE", "etcdserver: mvcc: required revision is a future revision"],
  noSpace: ["RESOURCE_EXHAUSTED", "etcdserver: mvcc: database space exceeded"],

  leaseNotFound: ["NOT_FOUND", "etcdserver: requested lease not found"],
  leaseExists: ["FAILED_PRECONDITION", "etcdserver: lease already exists"],
  leaseTtlTooLarge: ["OUT_OF_RANGE", "etcdserver: too large lease TTL"],

  watchCanceled: ["CANCELLED", "etcdserver: watch canceled"],

  memberExists: ["FAILED_PRECONDITION", "etcdserver: member ID already exist"],
  peerUrlExists: ["FAILED_PRECONDITION", "etcdserver: Peer URLs already exists"],
  memberNotEnoughStarted: [
    "FAILED_PRECONDITION",
    "etcdserver: re-configuration failed due to not enough started members",
  ],
  memberBadUrls: ["INVALID_ARGUMENT", "etcdserver: given member URLs are invalid"],
  memberNotFound: ["NOT_FOUND", "etcdserver: member not found"],
  memberNotLearner: ["FAILED_PRECONDITION", "etcdserver: can only promote a learner member"],
  learnerNotReady: [
    "FAILED_PRECONDITION",
    "etcdserver: can only promote a learner member which is in sync with leader",
  ],
  tooManyLearners: ["FAILED_PRECONDITION", "etcdserver: too many learner members in cluster"],
  clusterIdMismatch: ["FAILED_PRECONDITION", "etcdserver: cluster ID mismatch"],

  requestTooLarge: ["INVALID_ARGUMENT", "etcdserver: request is too large"],
  tooManyRequests: ["RESOURCE_EXHAUSTED", "etcdserver: too many requests"],

  rootUserNotExist: ["FAILED_PRECONDITION", "etcdserver: root user does not exist"],
  rootRoleNotExist: ["FAILED_PRECONDITION", "etcdserver: root user does not have root role"],
  userAlreadyExists: ["FAILED_PRECONDITION", "etcdserver: user name already exists"],
  userEmpty: ["INVALID_ARGUMENT", "etcdserver: user name is empty"],
  userNotFound: ["FAILED_PRECONDITION", "etcdserver: user name not found"],
  roleAlreadyExists: ["FAILED_PRECONDITION", "etcdserver: role name already exists"],
  roleNotFound: ["FAILED_PRECONDITION", "etcdserver: role name not found"],
  roleEmpty: ["INVALID_ARGUMENT", "etcdserver: role name is empty"],
  authFailed: ["INVALID_ARGUMENT", "etcdserver: authentication failed, invalid user ID or password"],
  permissionNotGiven: ["INVALID_ARGUMENT", "etcdserver: permission not given"],
  permissionDenied: ["PERMISSION_DENIED", "etcdserver: permission denied"],
  roleNotGranted: ["FAILED_PRECONDITION", "etcdserver: role is not granted to the user"],
  permissionNotGranted: ["FAILED_PRECONDITION", "etcdserver: permission is not granted to the role"],
  authNotEnabled: ["FAILED_PRECONDITION", "etcdserver: authentication is not enabled"],
  invalidAuthToken: ["UNAUTHENTICATED", "etcdserver: invalid auth token"],
  invalidAuthManagement: ["INVALID_ARGUMENT", "etcdserver: invalid auth management"],
  authOldRevision: ["INVALID_ARGUMENT", "etcdserver: revision of auth store is old"],

  noLeader: ["UNAVAILABLE", "etcdserver: no leader"],
  notLeader: ["FAILED_PRECONDITION", "etcdserver: not leader"],
  leaderChanged: ["UNAVAILABLE", "etcdserver: leader changed"],
  notCapable: ["UNAVAILABLE", "etcdserver: not capable"],
  stopped: ["UNAVAILABLE", "etcdserver: server stopped"],
  timeout: ["UNAVAILABLE", "etcdserver: request timed out"],
  timeoutDueToLeaderFail: [
    "UNAVAILABLE",
    "etcdserver: request timed out, possibly due to previous leader failure",
  ],
  timeoutDueToConnectionLost: [
    "UNAVAILABLE",
    "etcdserver: request timed out, possibly due to connection lost",
  ],
  timeoutWaitAppliedIndex: [
    "UNAVAILABLE",
    "etcdserver: request timed out, waiting for the applied index took too long",
  ],
  unhealthy: ["UNAVAILABLE", "etcdserver: unhealthy cluster"],
  corrupt: ["DATA_LOSS", "etcdserver: corrupt cluster"],
  notSupportedForLearner: ["UNAVAILABLE", "etcdserver: rpc not supported for learner"],
  badLeaderTransferee: ["FAILED_PRECONDITION", "etcdserver: bad leader transferee"],

  clusterVersionUnavailable: ["UNAVAILABLE", "etcdserver: cluster version not found during downgrade"],
  wrongDowngradeVersionFormat: ["INVALID_ARGUMENT", "etcdserver: wrong downgrade target version format"],
  invalidDowngradeTargetVersion: ["INVALID_ARGUMENT", "etcdserver: invalid downgrade target version"],
  downgradeInProcess: ["FAILED_PRECONDITION", "etcdserver: cluster has a downgrade job in progress"],
  noInflightDowngrade: ["FAILED_PRECONDITION", "etcdserver: no inflight downgrade job"],

  canceled: ["CANCELLED", "etcdserver: request canceled"],
  deadlineExceeded: ["DEADLINE_EXCEEDED", "etcdserver: context deadline exceeded"],
} as const;

/** Name of an error that etcd answers with. */
export type ErrorName = keyof typeof texts;

function maker(name: ErrorName): () => StatusError {
  const [code, details] = texts[name];
  return () => new StatusError(status[code], details);
}

/** Makes etcd's errors by name: `throw errors.compacted()`. */
export const errors: { readonly [name in ErrorName]: () => StatusError } = Object.fromEntries(
  (Object.keys(texts) as ErrorName[]).map((name) => [name, maker(name)]),
) as { readonly [name in ErrorName]: () => StatusError };
