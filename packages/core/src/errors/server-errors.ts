import { status } from "@grpc/grpc-js";
import type { EtcdErrorCode } from "./error-codes.ts";
import type { Outcome } from "./etcd-error.ts";

/** What a server's error text tells: our code, whether a write can have taken effect, whether trying again can help. */
export interface ServerErrorMeaning {
  readonly code: EtcdErrorCode;
  readonly outcome: Outcome;
  /** The condition passes by itself, or is one of this member only. */
  readonly temporary: boolean;
  /**
   * What a login can mend: a token is `missing` (none, expired, or forgotten), or `outdated`, since users or roles changed
   * while the request was under way.
   */
  readonly login?: "missing" | "outdated";
}

const refused = (code: EtcdErrorCode): ServerErrorMeaning => ({
  code,
  outcome: "notApplied",
  temporary: false,
});
const refusedForNow = (code: EtcdErrorCode): ServerErrorMeaning => ({
  code,
  outcome: "notApplied",
  temporary: true,
});
const undecided = (code: EtcdErrorCode): ServerErrorMeaning => ({
  code,
  outcome: "unknown",
  temporary: true,
});

const LEARNER_REFUSES = "etcdserver: rpc not supported for learner";

/**
 * The one place where etcd's error texts are matched. The text is the stable part of etcd's errors: several share a
 * gRPC code, old servers send some as UNKNOWN, and the lock and election services send all of them so.
 * Source of texts: etcd `api/v3rpc/rpctypes/error.go`; of outcomes: where the server returns them, before or after the proposal.
 */
const SERVER_TEXTS: Readonly<Record<string, ServerErrorMeaning>> = {
  "etcdserver: key is not provided": refused("INVALID_ARGUMENT"),
  "etcdserver: key not found": refused("INVALID_ARGUMENT"), // ignoreValue or ignoreLease on a key that does not exist
  "etcdserver: value is provided": refused("INVALID_ARGUMENT"),
  "etcdserver: lease is provided": refused("INVALID_ARGUMENT"),
  "etcdserver: invalid client api version": refused("INVALID_ARGUMENT"),
  "etcdserver: invalid sort option": refused("INVALID_ARGUMENT"),
  "etcdserver: too many operations in txn request": refused("TOO_MANY_OPERATIONS"),
  "etcdserver: duplicate key given in txn request": refused("DUPLICATE_KEY"),
  "etcdserver: request is too large": refused("REQUEST_TOO_LARGE"),
  "etcdserver: mvcc: required revision has been compacted": refused("COMPACTED"),
  "etcdserver: mvcc: required revision is a future revision": refused("FUTURE_REVISION"),
  "etcdserver: mvcc: database space exceeded": refused("NO_SPACE"),
  "etcdserver: too many requests": refusedForNow("TOO_MANY_REQUESTS"),
  "etcdserver: corrupt cluster": refused("CORRUPT"),

  "etcdserver: requested lease not found": refused("LEASE_NOT_FOUND"),
  "etcdserver: lease already exists": refused("LEASE_EXISTS"),
  "etcdserver: too large lease TTL": refused("LEASE_TTL_TOO_LARGE"),
  // A member that just lost leadership says this of a renewal, with code UNKNOWN.
  "not a primary lessor": refusedForNow("UNAVAILABLE"),

  "etcdserver: no leader": refusedForNow("NO_LEADER"),
  // raft itself, when a member has lost its leader a moment ago: nothing was proposed.
  "raft proposal dropped": refusedForNow("NO_LEADER"),
  "etcdserver: not leader": refused("FAILED_PRECONDITION"),
  "etcdserver: not capable": refused("UNIMPLEMENTED"),
  "etcdserver: leader changed": undecided("UNAVAILABLE"),
  "etcdserver: server stopped": undecided("UNAVAILABLE"),
  "etcdserver: unhealthy cluster": refusedForNow("UNAVAILABLE"),
  "etcdserver: request timed out": undecided("UNAVAILABLE"),
  "etcdserver: request timed out, possibly due to previous leader failure": undecided("UNAVAILABLE"),
  "etcdserver: request timed out, possibly due to connection lost": undecided("UNAVAILABLE"),
  "etcdserver: request timed out, waiting for the applied index took too long": undecided("UNAVAILABLE"),
  [LEARNER_REFUSES]: refusedForNow("UNAVAILABLE"),
  "etcdserver: watch canceled": undecided("UNAVAILABLE"),
  "etcdserver: request canceled": undecided("UNAVAILABLE"),
  "etcdserver: context deadline exceeded": undecided("TIMEOUT"),

  "etcdserver: permission denied": refused("PERMISSION_DENIED"),
  "etcdserver: user name is empty": { ...refused("UNAUTHENTICATED"), login: "missing" },
  "etcdserver: invalid auth token": { ...refused("UNAUTHENTICATED"), login: "missing" },
  // Looked at again when the request is applied; it is not executed then.
  "etcdserver: revision of auth store is old": { ...refused("UNAUTHENTICATED"), login: "outdated" },
  "etcdserver: authentication failed, invalid user ID or password": refused("UNAUTHENTICATED"),
  "etcdserver: invalid auth management": refused("INVALID_ARGUMENT"),
  "etcdserver: authentication is not enabled": refused("FAILED_PRECONDITION"),
  "etcdserver: root user does not exist": refused("FAILED_PRECONDITION"),
  "etcdserver: root user does not have root role": refused("FAILED_PRECONDITION"),
  "etcdserver: user name already exists": refused("ALREADY_EXISTS"),
  "etcdserver: user name not found": refused("NOT_FOUND"),
  "etcdserver: role name already exists": refused("ALREADY_EXISTS"),
  "etcdserver: role name not found": refused("NOT_FOUND"),
  "etcdserver: role name is empty": refused("INVALID_ARGUMENT"),
  "etcdserver: permission not given": refused("INVALID_ARGUMENT"),
  "etcdserver: role is not granted to the user": refused("FAILED_PRECONDITION"),
  "etcdserver: permission is not granted to the role": refused("FAILED_PRECONDITION"),

  "etcdserver: member ID already exist": refused("ALREADY_EXISTS"),
  "etcdserver: Peer URLs already exists": refused("ALREADY_EXISTS"),
  "etcdserver: member not found": refused("NOT_FOUND"),
  "etcdserver: given member URLs are invalid": refused("INVALID_ARGUMENT"),
  "etcdserver: re-configuration failed due to not enough started members": refused("FAILED_PRECONDITION"),
  "etcdserver: can only promote a learner member": refused("FAILED_PRECONDITION"),
  "etcdserver: can only promote a learner member which is in sync with leader":
    refused("FAILED_PRECONDITION"),
  "etcdserver: too many learner members in cluster": refused("FAILED_PRECONDITION"),
  "etcdserver: cluster ID mismatch": refused("FAILED_PRECONDITION"),
  "etcdserver: bad leader transferee": refused("FAILED_PRECONDITION"),
  "etcdserver: wrong downgrade target version format": refused("INVALID_ARGUMENT"),
  "etcdserver: invalid downgrade target version": refused("INVALID_ARGUMENT"),
  "etcdserver: cluster version not found during downgrade": refused("FAILED_PRECONDITION"),
  "etcdserver: cluster has a downgrade job in progress": refused("FAILED_PRECONDITION"),
  "etcdserver: no inflight downgrade job": refused("FAILED_PRECONDITION"),

  // Inner errors that get out (see `known`) and are not worded as those for clients.
  "auth: authentication failed, password was given for no password user": refused("UNAUTHENTICATED"),
  "auth: user not found": refused("NOT_FOUND"),

  // The lock and election services.
  "mutex: session is expired": refused("LEASE_EXPIRED"),
  "election: not leader": refused("NOT_OWNER"),
  "election: no leader": refused("NOT_FOUND"),
};

/**
 * What the table says of a text. etcd 3.4 and 3.5 forget in the maintenance service to turn the auth store's own errors
 * into those for clients (`api/v3rpc/maintenance.go`), and send them as UNKNOWN: mostly only the prefix differs.
 */
function known(text: string): ServerErrorMeaning | undefined {
  return SERVER_TEXTS[text] ?? SERVER_TEXTS[text.replace(/^auth: /, "etcdserver: ")];
}

/** Where the text is not etcd's, the gRPC code decides; the outcome is then open, since nobody said otherwise. */
const BY_STATUS: Readonly<Partial<Record<status, ServerErrorMeaning>>> = {
  [status.UNAVAILABLE]: undecided("UNAVAILABLE"),
  [status.DEADLINE_EXCEEDED]: undecided("TIMEOUT"),
  [status.CANCELLED]: undecided("UNAVAILABLE"),
  [status.RESOURCE_EXHAUSTED]: { code: "INTERNAL", outcome: "unknown", temporary: false },
  [status.UNIMPLEMENTED]: refused("UNIMPLEMENTED"),
  [status.UNAUTHENTICATED]: refused("UNAUTHENTICATED"),
  [status.PERMISSION_DENIED]: refused("PERMISSION_DENIED"),
  [status.INVALID_ARGUMENT]: refused("INVALID_ARGUMENT"),
};

/**
 * grpc-js' own words for a call that never reached a server (1.14): no connection was there to carry it, or the server
 * refused the HTTP/2 stream before it looked at it.
 */
const NEVER_SENT =
  /No connection established|Stream refused by server|Waiting for LB pick|waiting for (name resolution|metadata filters)|Name resolution failed|Channel closed before call started|Failed to start HTTP\/2 stream/;

/** Ours (`unary-call.ts`), and grpc-js', for a request that cannot be encoded. It is wrong for every endpoint, and went to none. */
const NOT_ENCODED = "Request message serialization failure";

/** A connection that breaks in the middle of a call: repeatable calls may go elsewhere. */
const CONNECTION_BROKE = /RST_STREAM|Connection dropped|ECONNRESET|GOAWAY/;

/** Whether grpc-js says of a failed call that it never reached a server. */
export function wasNeverSent(details: string): boolean {
  return NEVER_SENT.test(details);
}

/** No connection could be had, in grpc-js' words of it or in ours (`attempt.ts`, `endpoint-health.ts`). */
const NO_CONNECTION = /[Nn]o connection|ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/;

/**
 * What the words of a failure tell of the endpoint: that the connection was all that failed, that its member is a learner,
 * that it refused for now, or, where they are nobody's, that it was silent.
 */
export function failureNature(details: string): "unreachable" | "learner" | "refused" | "silent" {
  if (details === LEARNER_REFUSES) return "learner";
  if (known(details) !== undefined) return "refused";
  const unreachable = wasNeverSent(details) || CONNECTION_BROKE.test(details) || NO_CONNECTION.test(details);
  return unreachable ? "unreachable" : "silent";
}

/** Reads a gRPC status as it came from the server or from the transport. */
export function meaningOf(grpcStatus: status, details: string): ServerErrorMeaning {
  const meaning = known(details);
  if (meaning !== undefined) return meaning;
  if (wasNeverSent(details))
    return refusedForNow(grpcStatus === status.DEADLINE_EXCEEDED ? "TIMEOUT" : "UNAVAILABLE");
  if (grpcStatus === status.INTERNAL && details.startsWith(NOT_ENCODED)) return refused("INTERNAL");
  if (grpcStatus === status.INTERNAL && CONNECTION_BROKE.test(details)) return undecided("UNAVAILABLE");
  // grpc-js' own words (1.14) for an answer above the limit it was given.
  if (grpcStatus === status.RESOURCE_EXHAUSTED && details.startsWith("Received message larger than max")) {
    return { code: "RESPONSE_TOO_LARGE", outcome: "unknown", temporary: false };
  }
  // gRPC itself refuses a message above the server's limit, before any handler runs.
  if (grpcStatus === status.RESOURCE_EXHAUSTED && details.includes("received message larger than max")) {
    return refused("REQUEST_TOO_LARGE");
  }
  return BY_STATUS[grpcStatus] ?? { code: "INTERNAL", outcome: "unknown", temporary: false };
}

/**
 * Reads the reason a watch was cancelled with. The server puts a whole Go error there, of which the status text is the
 * part behind `desc = `.
 */
export function meaningOfCancelReason(reason: string): ServerErrorMeaning {
  const text = reason.split("desc = ").at(-1) ?? reason;
  return known(text) ?? refused("INTERNAL");
}
