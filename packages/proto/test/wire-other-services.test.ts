import { expect, test } from "vitest";
import { rpcs, services } from "@quorumkit/proto";
import { request, response, wireCase } from "./wire-case.ts";

const k = Buffer.from("k");
const l = Buffer.from("l");
const v = Buffer.from("v");
const { cluster, maintenance, auth, lock, election, health } = services;
const leader = { name: l, key: k, rev: 5n, lease: 7n };
const leaderHex = "0a016c 12016b 1805 2007";

const cases = [
  wireCase(
    "MemberListResponse",
    response(cluster.memberList, rpcs.cluster.memberList),
    { members: [{ ID: 7n, name: "n", peerURLs: ["p"], clientURLs: ["c"], isLearner: true }] },
    "120d 0807 12016e 1a0170 220163 2801",
  ),
  wireCase(
    "StatusResponse and DowngradeInfo",
    response(maintenance.status, rpcs.maintenance.status),
    {
      version: "v",
      dbSize: 1n,
      leader: 2n,
      raftIndex: 3n,
      raftTerm: 4n,
      raftAppliedIndex: 5n,
      errors: ["e"],
      dbSizeInUse: 6n,
      isLearner: true,
      storageVersion: "s",
      dbSizeQuota: 7n,
      downgradeInfo: { enabled: true, targetVersion: "t" },
    },
    "120176 1801 2002 2803 3004 3805 420165 4806 5001 5a0173 6007 6a05 0801 120174",
  ),
  wireCase(
    "AlarmRequest",
    request(rpcs.maintenance.alarm, maintenance.alarm),
    { action: 2, memberID: 7n, alarm: 1 },
    "0802 1007 1801",
  ),
  wireCase(
    "HashKVResponse",
    response(maintenance.hashKV, rpcs.maintenance.hashKV),
    { hash: 0xffffffff, compactRevision: 1n, hashRevision: 2n },
    "10ffffffff0f 1801 2002",
  ),
  wireCase(
    "SnapshotResponse",
    response(maintenance.snapshot, rpcs.maintenance.snapshot),
    { remainingBytes: 5n, blob: v, version: "v" },
    "1005 1a0176 220176",
  ),
  wireCase(
    "AuthenticateRequest",
    request(rpcs.auth.authenticate, auth.authenticate),
    { name: "n", password: "p" },
    "0a016e 120170",
  ),
  wireCase(
    "AuthUserAddRequest and UserAddOptions",
    request(rpcs.auth.userAdd, auth.userAdd),
    { name: "n", password: "p", options: { noPassword: true }, hashedPassword: "h" },
    "0a016e 120170 1a02 0801 220168",
  ),
  wireCase(
    "AuthRoleGrantPermissionRequest and Permission",
    request(rpcs.auth.roleGrantPermission, auth.roleGrantPermission),
    { name: "r", perm: { permType: 2, key: k, rangeEnd: l } },
    "0a0172 1208 0802 12016b 1a016c",
  ),
  wireCase("LockRequest", request(rpcs.lock.lock, lock.lock), { name: k, lease: 7n }, "0a016b 1007"),
  wireCase("LockResponse", response(lock.lock, rpcs.lock.lock), { key: k }, "12016b"),
  wireCase(
    "CampaignRequest",
    request(rpcs.election.campaign, election.campaign),
    { name: l, lease: 7n, value: v },
    "0a016c 1007 1a0176",
  ),
  wireCase(
    "CampaignResponse and LeaderKey",
    response(election.campaign, rpcs.election.campaign),
    { leader },
    `120a ${leaderHex}`,
  ),
  wireCase(
    "ProclaimRequest",
    request(rpcs.election.proclaim, election.proclaim),
    { leader, value: v },
    `0a0a ${leaderHex} 120176`,
  ),
  wireCase(
    "LeaderResponse",
    response(election.leader, rpcs.election.leader),
    { kv: { key: k } },
    "1203 0a016b",
  ),
  wireCase("HealthCheckRequest", request(rpcs.health.check, health.check), { service: "s" }, "0a0173"),
  wireCase("HealthCheckResponse", response(health.check, rpcs.health.check), { status: 2 }, "0802"),
];

test.each(cases)("$name", ({ input, hex, encode, decode }) => {
  expect(encode()).toBe(hex);
  expect(decode()).toMatchObject(input);
});
