// Generated from proto/**/*.proto by scripts/generate.mjs. Do not edit.

import type { RpcMethod, ServiceMethod } from "../method.ts";
import type * as types from "./types.ts";

/** All calls as a client makes them, by service. */
export interface Rpcs {
  readonly auth: {
    readonly authEnable: RpcMethod<types.AuthEnableRequestInput, types.AuthEnableResponse, false, false>;
    readonly authDisable: RpcMethod<types.AuthDisableRequestInput, types.AuthDisableResponse, false, false>;
    readonly authStatus: RpcMethod<types.AuthStatusRequestInput, types.AuthStatusResponse, false, false>;
    /** Trades name and password for a token. */
    readonly authenticate: RpcMethod<types.AuthenticateRequestInput, types.AuthenticateResponse, false, false>;
    readonly userAdd: RpcMethod<types.AuthUserAddRequestInput, types.AuthUserAddResponse, false, false>;
    readonly userGet: RpcMethod<types.AuthUserGetRequestInput, types.AuthUserGetResponse, false, false>;
    readonly userList: RpcMethod<types.AuthUserListRequestInput, types.AuthUserListResponse, false, false>;
    readonly userDelete: RpcMethod<types.AuthUserDeleteRequestInput, types.AuthUserDeleteResponse, false, false>;
    readonly userChangePassword: RpcMethod<types.AuthUserChangePasswordRequestInput, types.AuthUserChangePasswordResponse, false, false>;
    readonly userGrantRole: RpcMethod<types.AuthUserGrantRoleRequestInput, types.AuthUserGrantRoleResponse, false, false>;
    readonly userRevokeRole: RpcMethod<types.AuthUserRevokeRoleRequestInput, types.AuthUserRevokeRoleResponse, false, false>;
    readonly roleAdd: RpcMethod<types.AuthRoleAddRequestInput, types.AuthRoleAddResponse, false, false>;
    readonly roleGet: RpcMethod<types.AuthRoleGetRequestInput, types.AuthRoleGetResponse, false, false>;
    readonly roleList: RpcMethod<types.AuthRoleListRequestInput, types.AuthRoleListResponse, false, false>;
    readonly roleDelete: RpcMethod<types.AuthRoleDeleteRequestInput, types.AuthRoleDeleteResponse, false, false>;
    readonly roleGrantPermission: RpcMethod<types.AuthRoleGrantPermissionRequestInput, types.AuthRoleGrantPermissionResponse, false, false>;
    readonly roleRevokePermission: RpcMethod<types.AuthRoleRevokePermissionRequestInput, types.AuthRoleRevokePermissionResponse, false, false>;
  };
  readonly cluster: {
    readonly memberAdd: RpcMethod<types.MemberAddRequestInput, types.MemberAddResponse, false, false>;
    readonly memberRemove: RpcMethod<types.MemberRemoveRequestInput, types.MemberRemoveResponse, false, false>;
    readonly memberUpdate: RpcMethod<types.MemberUpdateRequestInput, types.MemberUpdateResponse, false, false>;
    readonly memberList: RpcMethod<types.MemberListRequestInput, types.MemberListResponse, false, false>;
    /** Makes a learner a voting member. */
    readonly memberPromote: RpcMethod<types.MemberPromoteRequestInput, types.MemberPromoteResponse, false, false>;
  };
  readonly kv: {
    readonly range: RpcMethod<types.RangeRequestInput, types.RangeResponse, false, false>;
    /** Range in pieces. From etcd 3.7 on; older members answer UNIMPLEMENTED. */
    readonly rangeStream: RpcMethod<types.RangeRequestInput, types.RangeStreamResponse, false, true>;
    readonly put: RpcMethod<types.PutRequestInput, types.PutResponse, false, false>;
    readonly deleteRange: RpcMethod<types.DeleteRangeRequestInput, types.DeleteRangeResponse, false, false>;
    /** Evaluates all compares and applies one of two lists, as one step and one revision. */
    readonly txn: RpcMethod<types.TxnRequestInput, types.TxnResponse, false, false>;
    /** Forgets all revisions before the given one. */
    readonly compact: RpcMethod<types.CompactionRequestInput, types.CompactionResponse, false, false>;
  };
  readonly lease: {
    readonly leaseGrant: RpcMethod<types.LeaseGrantRequestInput, types.LeaseGrantResponse, false, false>;
    /** Ends the lease at once and deletes the keys attached to it. */
    readonly leaseRevoke: RpcMethod<types.LeaseRevokeRequestInput, types.LeaseRevokeResponse, false, false>;
    /** One answer per request, in the order of the requests. */
    readonly leaseKeepAlive: RpcMethod<types.LeaseKeepAliveRequestInput, types.LeaseKeepAliveResponse, true, true>;
    readonly leaseTimeToLive: RpcMethod<types.LeaseTimeToLiveRequestInput, types.LeaseTimeToLiveResponse, false, false>;
    readonly leaseLeases: RpcMethod<types.LeaseLeasesRequestInput, types.LeaseLeasesResponse, false, false>;
  };
  /** Most of these speak about the one member that is asked, not about the cluster. */
  readonly maintenance: {
    readonly alarm: RpcMethod<types.AlarmRequestInput, types.AlarmResponse, false, false>;
    readonly status: RpcMethod<types.StatusRequestInput, types.StatusResponse, false, false>;
    readonly defragment: RpcMethod<types.DefragmentRequestInput, types.DefragmentResponse, false, false>;
    /** Hash of the whole backend. */
    readonly hash: RpcMethod<types.HashRequestInput, types.HashResponse, false, false>;
    /** Hash of the keys up to a revision; the same on all members. */
    readonly hashKV: RpcMethod<types.HashKVRequestInput, types.HashKVResponse, false, false>;
    readonly snapshot: RpcMethod<types.SnapshotRequestInput, types.SnapshotResponse, false, true>;
    readonly moveLeader: RpcMethod<types.MoveLeaderRequestInput, types.MoveLeaderResponse, false, false>;
    readonly downgrade: RpcMethod<types.DowngradeRequestInput, types.DowngradeResponse, false, false>;
  };
  readonly watch: {
    /** Carries many watches on one stream, told apart by their watchId. */
    readonly watch: RpcMethod<types.WatchRequestInput, types.WatchResponse, true, true>;
  };
  readonly health: {
    readonly check: RpcMethod<types.HealthCheckRequestInput, types.HealthCheckResponse, false, false>;
    readonly list: RpcMethod<types.HealthListRequestInput, types.HealthListResponse, false, false>;
    /** The present status at once, then every change. */
    readonly watch: RpcMethod<types.HealthCheckRequestInput, types.HealthCheckResponse, false, true>;
  };
  /** etcd's election service: the server itself writes and waits on the candidates' keys. */
  readonly election: {
    /** Answers once the caller leads. */
    readonly campaign: RpcMethod<types.CampaignRequestInput, types.CampaignResponse, false, false>;
    readonly proclaim: RpcMethod<types.ProclaimRequestInput, types.ProclaimResponse, false, false>;
    readonly leader: RpcMethod<types.LeaderRequestInput, types.LeaderResponse, false, false>;
    /** One answer per leader and proclamation. */
    readonly observe: RpcMethod<types.LeaderRequestInput, types.LeaderResponse, false, true>;
    readonly resign: RpcMethod<types.ResignRequestInput, types.ResignResponse, false, false>;
  };
  /** etcd's lock service: the server itself writes and waits on the lock keys. */
  readonly lock: {
    /** Answers once the caller holds the lock. */
    readonly lock: RpcMethod<types.LockRequestInput, types.LockResponse, false, false>;
    readonly unlock: RpcMethod<types.UnlockRequestInput, types.UnlockResponse, false, false>;
  };
}

/** All calls as a server answers them, by service. */
export interface Services {
  readonly auth: {
    readonly authEnable: ServiceMethod<types.AuthEnableRequest, types.AuthEnableResponseInput, false, false>;
    readonly authDisable: ServiceMethod<types.AuthDisableRequest, types.AuthDisableResponseInput, false, false>;
    readonly authStatus: ServiceMethod<types.AuthStatusRequest, types.AuthStatusResponseInput, false, false>;
    /** Trades name and password for a token. */
    readonly authenticate: ServiceMethod<types.AuthenticateRequest, types.AuthenticateResponseInput, false, false>;
    readonly userAdd: ServiceMethod<types.AuthUserAddRequest, types.AuthUserAddResponseInput, false, false>;
    readonly userGet: ServiceMethod<types.AuthUserGetRequest, types.AuthUserGetResponseInput, false, false>;
    readonly userList: ServiceMethod<types.AuthUserListRequest, types.AuthUserListResponseInput, false, false>;
    readonly userDelete: ServiceMethod<types.AuthUserDeleteRequest, types.AuthUserDeleteResponseInput, false, false>;
    readonly userChangePassword: ServiceMethod<types.AuthUserChangePasswordRequest, types.AuthUserChangePasswordResponseInput, false, false>;
    readonly userGrantRole: ServiceMethod<types.AuthUserGrantRoleRequest, types.AuthUserGrantRoleResponseInput, false, false>;
    readonly userRevokeRole: ServiceMethod<types.AuthUserRevokeRoleRequest, types.AuthUserRevokeRoleResponseInput, false, false>;
    readonly roleAdd: ServiceMethod<types.AuthRoleAddRequest, types.AuthRoleAddResponseInput, false, false>;
    readonly roleGet: ServiceMethod<types.AuthRoleGetRequest, types.AuthRoleGetResponseInput, false, false>;
    readonly roleList: ServiceMethod<types.AuthRoleListRequest, types.AuthRoleListResponseInput, false, false>;
    readonly roleDelete: ServiceMethod<types.AuthRoleDeleteRequest, types.AuthRoleDeleteResponseInput, false, false>;
    readonly roleGrantPermission: ServiceMethod<types.AuthRoleGrantPermissionRequest, types.AuthRoleGrantPermissionResponseInput, false, false>;
    readonly roleRevokePermission: ServiceMethod<types.AuthRoleRevokePermissionRequest, types.AuthRoleRevokePermissionResponseInput, false, false>;
  };
  readonly cluster: {
    readonly memberAdd: ServiceMethod<types.MemberAddRequest, types.MemberAddResponseInput, false, false>;
    readonly memberRemove: ServiceMethod<types.MemberRemoveRequest, types.MemberRemoveResponseInput, false, false>;
    readonly memberUpdate: ServiceMethod<types.MemberUpdateRequest, types.MemberUpdateResponseInput, false, false>;
    readonly memberList: ServiceMethod<types.MemberListRequest, types.MemberListResponseInput, false, false>;
    /** Makes a learner a voting member. */
    readonly memberPromote: ServiceMethod<types.MemberPromoteRequest, types.MemberPromoteResponseInput, false, false>;
  };
  readonly kv: {
    readonly range: ServiceMethod<types.RangeRequest, types.RangeResponseInput, false, false>;
    /** Range in pieces. From etcd 3.7 on; older members answer UNIMPLEMENTED. */
    readonly rangeStream: ServiceMethod<types.RangeRequest, types.RangeStreamResponseInput, false, true>;
    readonly put: ServiceMethod<types.PutRequest, types.PutResponseInput, false, false>;
    readonly deleteRange: ServiceMethod<types.DeleteRangeRequest, types.DeleteRangeResponseInput, false, false>;
    /** Evaluates all compares and applies one of two lists, as one step and one revision. */
    readonly txn: ServiceMethod<types.TxnRequest, types.TxnResponseInput, false, false>;
    /** Forgets all revisions before the given one. */
    readonly compact: ServiceMethod<types.CompactionRequest, types.CompactionResponseInput, false, false>;
  };
  readonly lease: {
    readonly leaseGrant: ServiceMethod<types.LeaseGrantRequest, types.LeaseGrantResponseInput, false, false>;
    /** Ends the lease at once and deletes the keys attached to it. */
    readonly leaseRevoke: ServiceMethod<types.LeaseRevokeRequest, types.LeaseRevokeResponseInput, false, false>;
    /** One answer per request, in the order of the requests. */
    readonly leaseKeepAlive: ServiceMethod<types.LeaseKeepAliveRequest, types.LeaseKeepAliveResponseInput, true, true>;
    readonly leaseTimeToLive: ServiceMethod<types.LeaseTimeToLiveRequest, types.LeaseTimeToLiveResponseInput, false, false>;
    readonly leaseLeases: ServiceMethod<types.LeaseLeasesRequest, types.LeaseLeasesResponseInput, false, false>;
  };
  /** Most of these speak about the one member that is asked, not about the cluster. */
  readonly maintenance: {
    readonly alarm: ServiceMethod<types.AlarmRequest, types.AlarmResponseInput, false, false>;
    readonly status: ServiceMethod<types.StatusRequest, types.StatusResponseInput, false, false>;
    readonly defragment: ServiceMethod<types.DefragmentRequest, types.DefragmentResponseInput, false, false>;
    /** Hash of the whole backend. */
    readonly hash: ServiceMethod<types.HashRequest, types.HashResponseInput, false, false>;
    /** Hash of the keys up to a revision; the same on all members. */
    readonly hashKV: ServiceMethod<types.HashKVRequest, types.HashKVResponseInput, false, false>;
    readonly snapshot: ServiceMethod<types.SnapshotRequest, types.SnapshotResponseInput, false, true>;
    readonly moveLeader: ServiceMethod<types.MoveLeaderRequest, types.MoveLeaderResponseInput, false, false>;
    readonly downgrade: ServiceMethod<types.DowngradeRequest, types.DowngradeResponseInput, false, false>;
  };
  readonly watch: {
    /** Carries many watches on one stream, told apart by their watchId. */
    readonly watch: ServiceMethod<types.WatchRequest, types.WatchResponseInput, true, true>;
  };
  readonly health: {
    readonly check: ServiceMethod<types.HealthCheckRequest, types.HealthCheckResponseInput, false, false>;
    readonly list: ServiceMethod<types.HealthListRequest, types.HealthListResponseInput, false, false>;
    /** The present status at once, then every change. */
    readonly watch: ServiceMethod<types.HealthCheckRequest, types.HealthCheckResponseInput, false, true>;
  };
  /** etcd's election service: the server itself writes and waits on the candidates' keys. */
  readonly election: {
    /** Answers once the caller leads. */
    readonly campaign: ServiceMethod<types.CampaignRequest, types.CampaignResponseInput, false, false>;
    readonly proclaim: ServiceMethod<types.ProclaimRequest, types.ProclaimResponseInput, false, false>;
    readonly leader: ServiceMethod<types.LeaderRequest, types.LeaderResponseInput, false, false>;
    /** One answer per leader and proclamation. */
    readonly observe: ServiceMethod<types.LeaderRequest, types.LeaderResponseInput, false, true>;
    readonly resign: ServiceMethod<types.ResignRequest, types.ResignResponseInput, false, false>;
  };
  /** etcd's lock service: the server itself writes and waits on the lock keys. */
  readonly lock: {
    /** Answers once the caller holds the lock. */
    readonly lock: ServiceMethod<types.LockRequest, types.LockResponseInput, false, false>;
    readonly unlock: ServiceMethod<types.UnlockRequest, types.UnlockResponseInput, false, false>;
  };
}

/** The same table as values. */
export const rpcPaths: { readonly [group in keyof Rpcs]: { readonly [name in keyof Rpcs[group]]: string } } = {
  auth: {
    authEnable: "/etcdserverpb.Auth/AuthEnable",
    authDisable: "/etcdserverpb.Auth/AuthDisable",
    authStatus: "/etcdserverpb.Auth/AuthStatus",
    authenticate: "/etcdserverpb.Auth/Authenticate",
    userAdd: "/etcdserverpb.Auth/UserAdd",
    userGet: "/etcdserverpb.Auth/UserGet",
    userList: "/etcdserverpb.Auth/UserList",
    userDelete: "/etcdserverpb.Auth/UserDelete",
    userChangePassword: "/etcdserverpb.Auth/UserChangePassword",
    userGrantRole: "/etcdserverpb.Auth/UserGrantRole",
    userRevokeRole: "/etcdserverpb.Auth/UserRevokeRole",
    roleAdd: "/etcdserverpb.Auth/RoleAdd",
    roleGet: "/etcdserverpb.Auth/RoleGet",
    roleList: "/etcdserverpb.Auth/RoleList",
    roleDelete: "/etcdserverpb.Auth/RoleDelete",
    roleGrantPermission: "/etcdserverpb.Auth/RoleGrantPermission",
    roleRevokePermission: "/etcdserverpb.Auth/RoleRevokePermission",
  },
  cluster: {
    memberAdd: "/etcdserverpb.Cluster/MemberAdd",
    memberRemove: "/etcdserverpb.Cluster/MemberRemove",
    memberUpdate: "/etcdserverpb.Cluster/MemberUpdate",
    memberList: "/etcdserverpb.Cluster/MemberList",
    memberPromote: "/etcdserverpb.Cluster/MemberPromote",
  },
  kv: {
    range: "/etcdserverpb.KV/Range",
    rangeStream: "/etcdserverpb.KV/RangeStream",
    put: "/etcdserverpb.KV/Put",
    deleteRange: "/etcdserverpb.KV/DeleteRange",
    txn: "/etcdserverpb.KV/Txn",
    compact: "/etcdserverpb.KV/Compact",
  },
  lease: {
    leaseGrant: "/etcdserverpb.Lease/LeaseGrant",
    leaseRevoke: "/etcdserverpb.Lease/LeaseRevoke",
    leaseKeepAlive: "/etcdserverpb.Lease/LeaseKeepAlive",
    leaseTimeToLive: "/etcdserverpb.Lease/LeaseTimeToLive",
    leaseLeases: "/etcdserverpb.Lease/LeaseLeases",
  },
  maintenance: {
    alarm: "/etcdserverpb.Maintenance/Alarm",
    status: "/etcdserverpb.Maintenance/Status",
    defragment: "/etcdserverpb.Maintenance/Defragment",
    hash: "/etcdserverpb.Maintenance/Hash",
    hashKV: "/etcdserverpb.Maintenance/HashKV",
    snapshot: "/etcdserverpb.Maintenance/Snapshot",
    moveLeader: "/etcdserverpb.Maintenance/MoveLeader",
    downgrade: "/etcdserverpb.Maintenance/Downgrade",
  },
  watch: {
    watch: "/etcdserverpb.Watch/Watch",
  },
  health: {
    check: "/grpc.health.v1.Health/Check",
    list: "/grpc.health.v1.Health/List",
    watch: "/grpc.health.v1.Health/Watch",
  },
  election: {
    campaign: "/v3electionpb.Election/Campaign",
    proclaim: "/v3electionpb.Election/Proclaim",
    leader: "/v3electionpb.Election/Leader",
    observe: "/v3electionpb.Election/Observe",
    resign: "/v3electionpb.Election/Resign",
  },
  lock: {
    lock: "/v3lockpb.Lock/Lock",
    unlock: "/v3lockpb.Lock/Unlock",
  },
};
