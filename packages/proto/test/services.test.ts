import { expect, test } from "vitest";
import { rpcs, services } from "@quorumkit/proto";

// Written by hand from etcd's rpc.proto, v3lock.proto and v3election.proto, and grpc's health.proto.
// ">" marks a stream of requests, "<" a stream of answers.
const contract = {
  kv: `
    range          /etcdserverpb.KV/Range
    rangeStream    /etcdserverpb.KV/RangeStream <
    put            /etcdserverpb.KV/Put
    deleteRange    /etcdserverpb.KV/DeleteRange
    txn            /etcdserverpb.KV/Txn
    compact        /etcdserverpb.KV/Compact`,
  watch: `
    watch          /etcdserverpb.Watch/Watch ><`,
  lease: `
    leaseGrant      /etcdserverpb.Lease/LeaseGrant
    leaseRevoke     /etcdserverpb.Lease/LeaseRevoke
    leaseKeepAlive  /etcdserverpb.Lease/LeaseKeepAlive ><
    leaseTimeToLive /etcdserverpb.Lease/LeaseTimeToLive
    leaseLeases     /etcdserverpb.Lease/LeaseLeases`,
  cluster: `
    memberAdd      /etcdserverpb.Cluster/MemberAdd
    memberRemove   /etcdserverpb.Cluster/MemberRemove
    memberUpdate   /etcdserverpb.Cluster/MemberUpdate
    memberList     /etcdserverpb.Cluster/MemberList
    memberPromote  /etcdserverpb.Cluster/MemberPromote`,
  maintenance: `
    alarm          /etcdserverpb.Maintenance/Alarm
    status         /etcdserverpb.Maintenance/Status
    defragment     /etcdserverpb.Maintenance/Defragment
    hash           /etcdserverpb.Maintenance/Hash
    hashKV         /etcdserverpb.Maintenance/HashKV
    snapshot       /etcdserverpb.Maintenance/Snapshot <
    moveLeader     /etcdserverpb.Maintenance/MoveLeader
    downgrade      /etcdserverpb.Maintenance/Downgrade`,
  auth: `
    authEnable           /etcdserverpb.Auth/AuthEnable
    authDisable          /etcdserverpb.Auth/AuthDisable
    authStatus           /etcdserverpb.Auth/AuthStatus
    authenticate         /etcdserverpb.Auth/Authenticate
    userAdd              /etcdserverpb.Auth/UserAdd
    userGet              /etcdserverpb.Auth/UserGet
    userList             /etcdserverpb.Auth/UserList
    userDelete           /etcdserverpb.Auth/UserDelete
    userChangePassword   /etcdserverpb.Auth/UserChangePassword
    userGrantRole        /etcdserverpb.Auth/UserGrantRole
    userRevokeRole       /etcdserverpb.Auth/UserRevokeRole
    roleAdd              /etcdserverpb.Auth/RoleAdd
    roleGet              /etcdserverpb.Auth/RoleGet
    roleList             /etcdserverpb.Auth/RoleList
    roleDelete           /etcdserverpb.Auth/RoleDelete
    roleGrantPermission  /etcdserverpb.Auth/RoleGrantPermission
    roleRevokePermission /etcdserverpb.Auth/RoleRevokePermission`,
  lock: `
    lock           /v3lockpb.Lock/Lock
    unlock         /v3lockpb.Lock/Unlock`,
  election: `
    campaign       /v3electionpb.Election/Campaign
    proclaim       /v3electionpb.Election/Proclaim
    leader         /v3electionpb.Election/Leader
    observe        /v3electionpb.Election/Observe <
    resign         /v3electionpb.Election/Resign`,
  health: `
    check          /grpc.health.v1.Health/Check
    list           /grpc.health.v1.Health/List
    watch          /grpc.health.v1.Health/Watch <`,
} satisfies Record<keyof typeof rpcs, string>;

function parseContract(lines: string): Record<string, unknown> {
  const methods = lines
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .map(([name = "", path = "", streams = ""]) => [
      name,
      { path, requestStream: streams.includes(">"), responseStream: streams.includes("<") },
    ]);
  return Object.fromEntries(methods) as Record<string, unknown>;
}

function describeMethods(group: object): Record<string, unknown> {
  const methods = Object.entries(group as Record<string, (typeof rpcs)["kv"]["range"]>).map(
    ([name, { path, requestStream, responseStream }]) => [name, { path, requestStream, responseStream }],
  );
  return Object.fromEntries(methods) as Record<string, unknown>;
}

test("there are exactly etcd's services", () => {
  expect(new Set(Object.keys(rpcs))).toEqual(new Set(Object.keys(contract)));
  expect(new Set(Object.keys(services))).toEqual(new Set(Object.keys(contract)));
});

test.each(Object.entries(contract))("%s has etcd's RPCs, with their paths and streams", (group, lines) => {
  expect(describeMethods(rpcs[group as keyof typeof rpcs])).toEqual(parseContract(lines));
  expect(describeMethods(services[group as keyof typeof services])).toEqual(parseContract(lines));
});
