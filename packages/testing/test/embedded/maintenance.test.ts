import { status } from "@grpc/grpc-js";
import { AlarmAction, AlarmType, ServingStatus, rpcs } from "@quorumkit/proto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EmbeddedEtcd } from "../../src/embedded/embedded-etcd.ts";
import { startEtcd } from "../../src/index.ts";
import { Rpc, failureOf } from "./support/rpc.ts";

interface Server extends AsyncDisposable {
  readonly endpoint: string;
}

// The same on both: what the embedded server does is what etcd does.
const servers: readonly (readonly [string, () => Promise<Server>])[] = [
  ["the embedded etcd", () => EmbeddedEtcd.start({ quiet: true })],
  ["a real etcd", () => startEtcd({ quiet: true })],
];

describe.each(servers)("%s", (_name, start) => {
  let server: Server;
  let rpc: Rpc;

  beforeAll(async () => {
    server = await start();
    rpc = new Rpc(server.endpoint);
    await rpc.put("a", "1");
    await rpc.put("a", "2");
  });

  afterAll(async () => {
    rpc.close();
    await server[Symbol.asyncDispose]();
  });

  test("the member that is asked is the only one, and leads", async () => {
    const { members, header } = await rpc.call(rpcs.cluster.memberList, { linearizable: true });
    expect(members).toMatchObject([
      { ID: header?.memberId, clientURLs: [server.endpoint], isLearner: false },
    ]);
    expect(members[0]?.peerURLs).toHaveLength(1);
    // Other services' headers have the store's revision.
    expect(header?.revision).toBe(0n);
    const answer = await rpc.call(rpcs.maintenance.status, {});
    expect(answer).toMatchObject({
      header: {
        memberId: header?.memberId,
        clusterId: header?.clusterId,
        revision: 3n,
        raftTerm: header?.raftTerm,
      },
      version: expect.stringMatching(/^3\.\d+\.\d+$/) as string,
      leader: header?.memberId,
      raftTerm: header?.raftTerm,
      errors: [],
      isLearner: false,
    });
    expect(answer.raftIndex).toBeGreaterThanOrEqual(answer.raftAppliedIndex);
    expect(answer.raftAppliedIndex).toBeGreaterThan(0n);
    expect(answer.dbSize).toBeGreaterThanOrEqual(answer.dbSizeInUse);
    expect(answer.dbSizeInUse).toBeGreaterThan(0n);
  });

  test("maintenance with nothing to maintain", async () => {
    expect((await rpc.call(rpcs.maintenance.defragment, {})).header).toBeNull();
    expect((await rpc.call(rpcs.maintenance.hash, {})).hash).toBeGreaterThan(0);
    const { alarms, header } = await rpc.call(rpcs.maintenance.alarm, { action: AlarmAction.GET });
    expect([alarms, header?.revision]).toEqual([[], 3n]);
    const off = { action: AlarmAction.DEACTIVATE, alarm: AlarmType.NOSPACE };
    expect((await rpc.call(rpcs.maintenance.alarm, off)).alarms).toEqual([]);
    const { memberId } = (await rpc.call(rpcs.maintenance.status, {})).header ?? {};
    expect((await rpc.call(rpcs.maintenance.moveLeader, { targetID: memberId })).header).toBeNull();
    expect(await failureOf(rpc.call(rpcs.maintenance.moveLeader, { targetID: 1n }))).toEqual({
      code: status.FAILED_PRECONDITION,
      details: "etcdserver: bad leader transferee",
    });
  });

  test("the hash of the keys is that of their history", async () => {
    const all = await rpc.call(rpcs.maintenance.hashKV, {});
    expect(all.header?.revision).toBe(3n);
    const early = await rpc.call(rpcs.maintenance.hashKV, { revision: 2n });
    expect(early.hash).not.toBe(all.hash);
    expect([early.compactRevision, early.header?.revision]).toEqual([-1n, 3n]);
    expect(await failureOf(rpc.call(rpcs.maintenance.hashKV, { revision: 99n }))).toEqual({
      code: status.OUT_OF_RANGE,
      details: "etcdserver: mvcc: required revision is a future revision",
    });
  });

  test("health: of the server as a whole, and of nothing else", async () => {
    expect(await rpc.call(rpcs.health.check, {})).toEqual({ status: ServingStatus.SERVING });
    expect(await failureOf(rpc.call(rpcs.health.check, { service: "etcdserverpb.KV" }))).toEqual({
      code: status.NOT_FOUND,
      details: "unknown service",
    });
    const whole = rpc.listen(rpcs.health.watch, {});
    expect(await whole.next()).toEqual({ status: ServingStatus.SERVING });
    whole.cancel();
    const other = rpc.listen(rpcs.health.watch, { service: "etcdserverpb.KV" });
    expect(await other.next()).toEqual({ status: ServingStatus.SERVICE_UNKNOWN });
    other.cancel();
  });
});

test("what the embedded etcd cannot do is refused with the reason", async () => {
  await using etcd = await EmbeddedEtcd.start({ quiet: true });
  await using rpc = new Rpc(etcd.endpoint);
  const { cluster, maintenance } = rpcs;
  const fixedMembers = /cannot change its members: start it with as many as needed/;
  const refused: readonly (readonly [Promise<unknown>, RegExp])[] = [
    [rpc.call(cluster.memberAdd, { peerURLs: ["http://127.0.0.1:1"] }), fixedMembers],
    [rpc.call(cluster.memberRemove, { ID: 1n }), fixedMembers],
    [rpc.call(cluster.memberUpdate, { ID: 1n }), fixedMembers],
    [rpc.call(cluster.memberPromote, { ID: 1n }), fixedMembers],
    [rpc.call(maintenance.downgrade, { version: "3.4.0" }), /has no version to go down to/],
    [
      rpc.call(maintenance.alarm, { action: AlarmAction.ACTIVATE, alarm: AlarmType.NOSPACE }),
      /does not raise alarms/,
    ],
  ];
  for (const [call, reason] of refused) {
    const { code, details } = await failureOf(call);
    expect([code, details]).toEqual([status.UNIMPLEMENTED, expect.stringMatching(reason)]);
  }
  expect(await rpc.listen(maintenance.snapshot, {}).ended).toMatchObject({
    code: status.UNIMPLEMENTED,
    details: "the embedded etcd keeps nothing on disk, and so has no snapshot to give",
  });
});
