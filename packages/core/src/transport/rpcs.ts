import { rpcs, type BidiStreamMethod, type ServerStreamMethod, type UnaryMethod } from "@quorumkit/proto";

/**
 * What the client knows about an RPC beside its codec.
 *
 * - `read`: changes nothing, so it may be sent any number of times.
 * - `repeatable`: a write which, sent twice, leaves what it leaves when sent once. The copy whose answer was lost may be
 *   applied late, after others' changes, so either it can have no effect by then, or none that lasts, or whoever sends it
 *   sees to what it leaves.
 * - `write`: sent again only when it provably never ran.
 */
export type RpcKind = "read" | "repeatable" | "write";

export interface UnaryRpc<Request, Response> {
  readonly name: string;
  readonly method: UnaryMethod<Request, Response>;
  readonly kind: RpcKind;
  /** Asks the member to refuse when it sees no leader, rather than to answer from what it has. */
  readonly requireLeader: boolean;
  /** It is sent without a token, since it is how one is had. */
  readonly anonymous?: boolean;
  /** It sets a user's password, which may be the one this client logs in with. */
  readonly changesPassword?: boolean;
}

export interface StreamRpc<Request, Response> {
  readonly name: string;
  readonly method: BidiStreamMethod<Request, Response>;
}

export interface ServerStreamRpc<Request, Response> {
  readonly name: string;
  readonly method: ServerStreamMethod<Request, Response>;
  readonly requireLeader: boolean;
}

type Unary<Method> =
  Method extends UnaryMethod<infer Request, infer Response> ? UnaryRpc<Request, Response> : never;
type Stream<Method> =
  Method extends BidiStreamMethod<infer Request, infer Response> ? StreamRpc<Request, Response> : never;
type ServerStream<Method> =
  Method extends ServerStreamMethod<infer Request, infer Response>
    ? ServerStreamRpc<Request, Response>
    : never;

function unary<Request, Response>(
  name: string,
  method: UnaryMethod<Request, Response>,
  kind: RpcKind,
  requireLeader = true,
): UnaryRpc<Request, Response> {
  return { name, method, kind, requireLeader };
}

/** Every RPC the client calls. A new one is a line here and a method on the noun it belongs to. */
export const range: Unary<typeof rpcs.kv.range> = unary("Range", rpcs.kv.range, "read");
/** A read that is content with what the asked member has. */
export const serializableRange: Unary<typeof rpcs.kv.range> = unary("Range", rpcs.kv.range, "read", false);
export const put: Unary<typeof rpcs.kv.put> = unary("Put", rpcs.kv.put, "write");
export const deleteRange: Unary<typeof rpcs.kv.deleteRange> = unary(
  "DeleteRange",
  rpcs.kv.deleteRange,
  "write",
);
export const txn: Unary<typeof rpcs.kv.txn> = unary("Txn", rpcs.kv.txn, "write");
export const readOnlyTxn: Unary<typeof rpcs.kv.txn> = unary("Txn", rpcs.kv.txn, "read");
/** Reads in one transaction that are content with what the asked member has. */
export const serializableReads: Unary<typeof rpcs.kv.txn> = unary("Txn", rpcs.kv.txn, "read", false);
/** A transaction whose compares find what an earlier sending of it did; for late ones, see `CommitOptions`. */
export const repeatableTxn: Unary<typeof rpcs.kv.txn> = unary("Txn", rpcs.kv.txn, "repeatable");
/**
 * Repeatable because the client chooses the id: a second sending is answered with "lease already exists". One that is
 * applied after the lease was revoked grants it again, for one TTL, since nobody renews it.
 */
export const leaseGrant: Unary<typeof rpcs.lease.leaseGrant> = unary(
  "LeaseGrant",
  rpcs.lease.leaseGrant,
  "repeatable",
);
export const leaseRevoke: Unary<typeof rpcs.lease.leaseRevoke> = unary(
  "LeaseRevoke",
  rpcs.lease.leaseRevoke,
  "repeatable",
);
export const leaseTimeToLive: Unary<typeof rpcs.lease.leaseTimeToLive> = unary(
  "LeaseTimeToLive",
  rpcs.lease.leaseTimeToLive,
  "read",
);
export const leaseLeases: Unary<typeof rpcs.lease.leaseLeases> = unary(
  "LeaseLeases",
  rpcs.lease.leaseLeases,
  "read",
);

export const leaseKeepAlive: Stream<typeof rpcs.lease.leaseKeepAlive> = {
  name: "LeaseKeepAlive",
  method: rpcs.lease.leaseKeepAlive,
};
export const watch: Stream<typeof rpcs.watch.watch> = { name: "Watch", method: rpcs.watch.watch };

/** In pieces, all of one revision; etcd 3.7 has it. Which revision that is, only the last piece says. */
export const rangeStream: ServerStream<typeof rpcs.kv.rangeStream> = {
  name: "RangeStream",
  method: rpcs.kv.rangeStream,
  requireLeader: true,
};
export const compact: Unary<typeof rpcs.kv.compact> = unary("Compact", rpcs.kv.compact, "write");

export const memberList: Unary<typeof rpcs.cluster.memberList> = unary(
  "MemberList",
  rpcs.cluster.memberList,
  "read",
);
/** The members as the asked one knows them, which it also tells without a quorum. */
export const serializableMemberList: Unary<typeof rpcs.cluster.memberList> = unary(
  "MemberList",
  rpcs.cluster.memberList,
  "read",
  false,
);
export const memberAdd: Unary<typeof rpcs.cluster.memberAdd> = unary(
  "MemberAdd",
  rpcs.cluster.memberAdd,
  "write",
);
export const memberRemove: Unary<typeof rpcs.cluster.memberRemove> = unary(
  "MemberRemove",
  rpcs.cluster.memberRemove,
  "write",
);
export const memberUpdate: Unary<typeof rpcs.cluster.memberUpdate> = unary(
  "MemberUpdate",
  rpcs.cluster.memberUpdate,
  "write",
);
export const memberPromote: Unary<typeof rpcs.cluster.memberPromote> = unary(
  "MemberPromote",
  rpcs.cluster.memberPromote,
  "write",
);

// What speaks about one member must work where that member sees no leader.
export const status: Unary<typeof rpcs.maintenance.status> = unary(
  "Status",
  rpcs.maintenance.status,
  "read",
  false,
);
export const defragment: Unary<typeof rpcs.maintenance.defragment> = unary(
  "Defragment",
  rpcs.maintenance.defragment,
  "write",
  false,
);
export const hash: Unary<typeof rpcs.maintenance.hash> = unary("Hash", rpcs.maintenance.hash, "read", false);
export const hashKV: Unary<typeof rpcs.maintenance.hashKV> = unary(
  "HashKV",
  rpcs.maintenance.hashKV,
  "read",
  false,
);
export const snapshot: ServerStream<typeof rpcs.maintenance.snapshot> = {
  name: "Snapshot",
  method: rpcs.maintenance.snapshot,
  requireLeader: false,
};
export const alarmList: Unary<typeof rpcs.maintenance.alarm> = unary("Alarm", rpcs.maintenance.alarm, "read");
/** Repeatable: an alarm that is not there any more is left as it is. */
export const alarmDisarm: Unary<typeof rpcs.maintenance.alarm> = unary(
  "Alarm",
  rpcs.maintenance.alarm,
  "repeatable",
);
/** Repeatable: a member that does not lead any more refuses, and then it is looked who does. */
export const moveLeader: Unary<typeof rpcs.maintenance.moveLeader> = unary(
  "MoveLeader",
  rpcs.maintenance.moveLeader,
  "repeatable",
);
export const downgrade: Unary<typeof rpcs.maintenance.downgrade> = unary(
  "Downgrade",
  rpcs.maintenance.downgrade,
  "write",
);
/** A downgrade that is only looked into. */
export const downgradeValidate: Unary<typeof rpcs.maintenance.downgrade> = unary(
  "Downgrade",
  rpcs.maintenance.downgrade,
  "read",
);

/** Repeatable: a token more than is used does nothing, and is forgotten in time. */
export const authenticate: Unary<typeof rpcs.auth.authenticate> = {
  ...unary("Authenticate", rpcs.auth.authenticate, "repeatable"),
  anonymous: true,
};
export const authEnable: Unary<typeof rpcs.auth.authEnable> = unary(
  "AuthEnable",
  rpcs.auth.authEnable,
  "write",
);
export const authDisable: Unary<typeof rpcs.auth.authDisable> = unary(
  "AuthDisable",
  rpcs.auth.authDisable,
  "write",
);
export const authStatus: Unary<typeof rpcs.auth.authStatus> = unary(
  "AuthStatus",
  rpcs.auth.authStatus,
  "read",
);
export const userAdd: Unary<typeof rpcs.auth.userAdd> = unary("UserAdd", rpcs.auth.userAdd, "write");
export const userGet: Unary<typeof rpcs.auth.userGet> = unary("UserGet", rpcs.auth.userGet, "read");
export const userList: Unary<typeof rpcs.auth.userList> = unary("UserList", rpcs.auth.userList, "read");
export const userDelete: Unary<typeof rpcs.auth.userDelete> = unary(
  "UserDelete",
  rpcs.auth.userDelete,
  "write",
);
export const userChangePassword: Unary<typeof rpcs.auth.userChangePassword> = {
  ...unary("UserChangePassword", rpcs.auth.userChangePassword, "write"),
  changesPassword: true,
};
export const userGrantRole: Unary<typeof rpcs.auth.userGrantRole> = unary(
  "UserGrantRole",
  rpcs.auth.userGrantRole,
  "write",
);
export const userRevokeRole: Unary<typeof rpcs.auth.userRevokeRole> = unary(
  "UserRevokeRole",
  rpcs.auth.userRevokeRole,
  "write",
);
export const roleAdd: Unary<typeof rpcs.auth.roleAdd> = unary("RoleAdd", rpcs.auth.roleAdd, "write");
export const roleGet: Unary<typeof rpcs.auth.roleGet> = unary("RoleGet", rpcs.auth.roleGet, "read");
export const roleList: Unary<typeof rpcs.auth.roleList> = unary("RoleList", rpcs.auth.roleList, "read");
export const roleDelete: Unary<typeof rpcs.auth.roleDelete> = unary(
  "RoleDelete",
  rpcs.auth.roleDelete,
  "write",
);
export const roleGrantPermission: Unary<typeof rpcs.auth.roleGrantPermission> = unary(
  "RoleGrantPermission",
  rpcs.auth.roleGrantPermission,
  "write",
);
export const roleRevokePermission: Unary<typeof rpcs.auth.roleRevokePermission> = unary(
  "RoleRevokePermission",
  rpcs.auth.roleRevokePermission,
  "write",
);

/**
 * Not repeatable although one lease is one owner: a member that sees its caller go deletes the lease's key, which by
 * then may be what a second sending of the call has waited for on another member.
 */
export const lockServiceLock: Unary<typeof rpcs.lock.lock> = unary("Lock", rpcs.lock.lock, "write");
/** Not repeatable: it deletes the key whoever made it. */
export const lockServiceUnlock: Unary<typeof rpcs.lock.unlock> = unary("Unlock", rpcs.lock.unlock, "write");
/** Not repeatable, for the same reason as the lock. */
export const electionCampaign: Unary<typeof rpcs.election.campaign> = unary(
  "Campaign",
  rpcs.election.campaign,
  "write",
);
export const electionProclaim: Unary<typeof rpcs.election.proclaim> = unary(
  "Proclaim",
  rpcs.election.proclaim,
  "write",
);
export const electionLeader: Unary<typeof rpcs.election.leader> = unary(
  "Leader",
  rpcs.election.leader,
  "read",
);
export const electionObserve: ServerStream<typeof rpcs.election.observe> = {
  name: "Observe",
  method: rpcs.election.observe,
  requireLeader: true,
};
/** Repeatable: guarded by the key's create revision, so it ends this leadership and no later one. */
export const electionResign: Unary<typeof rpcs.election.resign> = unary(
  "Resign",
  rpcs.election.resign,
  "repeatable",
);
