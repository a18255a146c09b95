/**
 * Every code an {@link EtcdError} can carry, with what it means. The set is closed: a new condition gets a line here
 * and in docs/errors.md, never a subclass.
 */
export const ERROR_CODES = {
  // What happened to the call itself
  ABORTED: "the caller's AbortSignal ended the operation; its reason is the cause",
  TIMEOUT: "the operation's deadline passed",
  CLOSED: "the client, session, watcher or mirror was closed while the operation ran, or before it",
  UNAVAILABLE: "no endpoint could be reached, or the connection broke",
  NO_LEADER: "the etcd member has no leader at the moment",
  UNIMPLEMENTED: "the server does not know this call: it is older, or a proxy without it",
  PROTOCOL: "the server answered something etcd's protocol does not allow",

  // What the server said about the request
  INVALID_ARGUMENT: "the server refused the request as malformed",
  TOO_MANY_OPERATIONS:
    "a transaction has more operations than the server allows (--max-txn-ops, 128 by default)",
  DUPLICATE_KEY: "a transaction writes the same key twice on one path",
  REQUEST_TOO_LARGE:
    "the request is larger than the server accepts (--max-request-bytes, 1.5 MiB by default)",
  RESPONSE_TOO_LARGE:
    "the answer is larger than this client takes (its option maxResponseBytes); a write may have been applied",
  COMPACTED: "the revision asked for has been compacted; compactRevision is the oldest one left",
  FUTURE_REVISION:
    "the revision asked for, or in an ordered view the one seen before, does not exist yet where it was asked for",
  CLUSTER_CHANGED:
    "another cluster answers, or this one after a restore from a backup: its history is not the one seen before",
  PERMISSION_DENIED: "the user's roles do not allow this",
  UNAUTHENTICATED: "the server wants a login, or refused the one given",
  FAILED_PRECONDITION: "the cluster's state does not allow this now",
  CONFLICT: "others kept changing what a transaction depends on, as often as it was allowed to try",
  NOT_FOUND: "the user, role, member or other object named does not exist",
  ALREADY_EXISTS: "the user, role, member or other object named exists already",

  // What the server said about itself
  NO_SPACE: "the database quota is exceeded; etcd accepts reads and deletes only until the alarm is disarmed",
  TOO_MANY_REQUESTS: "the server is overloaded and did not take the request",
  CORRUPT: "the cluster detected corrupt data",
  INTERNAL: "the server failed in a way that has no code of its own",

  // Leases, sessions and what hangs on them
  LEASE_NOT_FOUND: "the lease does not exist: expired, revoked, or never granted",
  LEASE_EXISTS: "a lease with the id asked for exists already",
  LEASE_TTL_TOO_LARGE: "the TTL asked for is above etcd's limit",
  LEASE_EXPIRED: "the lease could not be renewed in time and counts as lost",
  KEY_DELETED: "the key that proves ownership was deleted by somebody else",
  NOT_OWNER: "the lock or leadership is no longer held, so what it guards was refused",
  LOCK_HELD: "somebody else holds the lock, and the caller did not want to wait",
} as const;

/** One of the keys of {@link ERROR_CODES}. */
export type EtcdErrorCode = keyof typeof ERROR_CODES;
