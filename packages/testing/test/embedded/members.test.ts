import { status } from "@grpc/grpc-js";
import { ServingStatus, rpcs } from "@quorumkit/proto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EmbeddedEtcd } from "../../src/embedded/embedded-etcd.ts";
import { Rpc, failureOf, watchKey } from "./support/rpc.ts";

const noLeader = { code: status.UNAVAILABLE, details: "etcdserver: no leader" };
const timedOut = { code: status.UNAVAILABLE, details: "etcdserver: request timed out" };
const deadline = { code: status.DEADLINE_EXCEEDED, details: "context deadline exceeded" };
const hasleader = { metadata: { hasleader: "true" } };

let etcd: EmbeddedEtcd;
let clients: Rpc[];

beforeEach(async () => {
  etcd = await EmbeddedEtcd.start({ members: 3, quiet: true });
  clients = etcd.endpoints.map((endpoint) => new Rpc(endpoint));
});

afterEach(async () => {
  for (const each of clients) each.close();
  await etcd.close();
});

function client(index: number): Rpc {
  const found = clients[index];
  if (found === undefined) throw new Error(`no client ${index}`);
  return found;
}

function member(index: number): EmbeddedEtcd["members"][number] {
  const found = etcd.members[index];
  if (found === undefined) throw new Error(`no member ${index}`);
  return found;
}

test("members share one store, and list each other", async () => {
  await client(0).put("a", "1");
  expect(await client(2).get("a")).toBe("1");
  const { members, header } = await client(1).call(rpcs.cluster.memberList, { linearizable: true });
  expect(members.map(({ name, clientURLs }) => [name, clientURLs])).toEqual(
    etcd.members.map(({ name, endpoint }) => [name, [endpoint]]),
  );
  expect(header).toMatchObject({ memberId: member(1).id, revision: 0n, raftTerm: 2n });
  const { leader, version, errors } = await client(1).call(rpcs.maintenance.status, {});
  expect([leader, version, errors]).toEqual([etcd.leader?.id, "3.5.30", []]);
});

test("a member that is cut off: reads and writes that need a leader time out, serializable reads see the past", async () => {
  await client(1).put("a", "before");
  member(1).cutOff();
  await client(0).put("a", "after");
  await client(0).put("b", "after");
  etcd.compact();

  const lease = { ID: await client(0).grant(100n) };
  const key = Buffer.from("a");
  const rangeOp = { requestRange: { key } };
  const waiting: readonly (readonly [Promise<unknown>, object])[] = [
    [client(1).get("a"), timedOut],
    [client(1).call(rpcs.kv.txn, { success: [rangeOp] }), timedOut],
    [client(1).call(rpcs.cluster.memberList, { linearizable: true }), timedOut],
    [client(1).call(rpcs.auth.authenticate, {}), timedOut],
    [client(1).put("a", "lost"), deadline],
    [client(1).call(rpcs.kv.txn, { success: [rangeOp, { requestPut: { key } }] }), deadline],
    [client(1).call(rpcs.kv.compact, { revision: 2n }), deadline],
    [client(1).call(rpcs.lease.leaseGrant, { TTL: 10n }), deadline],
    [client(1).call(rpcs.lease.leaseRevoke, lease), deadline],
    [client(1).call(rpcs.auth.authStatus, {}), deadline],
    [client(1).call(rpcs.maintenance.alarm, {}), deadline],
    [client(1).call(rpcs.lock.lock, { name: key, lease: lease.ID }), deadline],
    [client(1).call(rpcs.lease.leaseTimeToLive, lease), noLeader],
    [client(1).call(rpcs.election.leader, { name: key }), { ...timedOut, code: status.UNKNOWN }],
  ];
  const failures = waiting.map(([call]) => failureOf(call));
  const renewal = client(1).open(rpcs.lease.leaseKeepAlive);
  renewal.send(lease);
  // Answered after those have come in, on the same connection.
  expect(await client(1).get("a", { serializable: true })).toBe("before");
  const { header, kvs } = await client(1).call(rpcs.kv.range, {
    key: Buffer.of(0),
    rangeEnd: Buffer.of(0),
    serializable: true,
  });
  expect(header?.revision).toBe(2n);
  expect(kvs.map((kv) => kv.key.toString())).toEqual(["a"]);
  await etcd.advance(6_900);
  await etcd.advance(200);
  expect(await Promise.all(failures)).toEqual(waiting.map(([, failure]) => failure));
  // It looks for a leader once every election timeout.
  await etcd.advance(1_000);
  expect(await renewal.ended).toMatchObject(noLeader);
  const short = client(1).call(rpcs.kv.range, { key: Buffer.from("a") }, { timeoutMs: 100 });
  expect((await failureOf(short)).code).toBe(status.DEADLINE_EXCEEDED);

  member(1).rejoin();
  expect(await client(1).get("a", { serializable: true })).toBe("after");
  expect(await client(1).get("a")).toBe("after");
});

test("calls that wait for a leader are done when the member rejoins", async () => {
  member(1).cutOff();
  const put = client(1).put("a", "1");
  await client(1).get("a", { serializable: true });
  expect(etcd.revision).toBe(1n);
  member(1).rejoin();
  expect(await put).toBe(2n);
});

test("a cut-off member says so: to whoever asks for a leader, in its status and its health", async () => {
  const health = client(1).listen(rpcs.health.watch, {});
  expect(await health.next()).toEqual({ status: ServingStatus.SERVING });
  member(1).cutOff();
  expect(await health.next()).toEqual({ status: ServingStatus.NOT_SERVING });
  expect(await failureOf(client(1).call(rpcs.kv.range, { key: Buffer.from("a") }, hasleader))).toEqual(
    noLeader,
  );
  expect(await client(1).open(rpcs.watch.watch, hasleader).ended).toMatchObject(noLeader);
  expect(await client(1).call(rpcs.maintenance.status, {})).toMatchObject({
    leader: 0n,
    errors: ["etcdserver: no leader"],
  });
  expect(await client(1).call(rpcs.health.check, {})).toEqual({ status: ServingStatus.NOT_SERVING });
  expect(await client(0).call(rpcs.health.check, {})).toEqual({ status: ServingStatus.SERVING });
  member(1).rejoin();
  expect(await health.next()).toEqual({ status: ServingStatus.SERVING });
  health.cancel();
});

test("of a member that is cut off, watches that ask for a leader end, and others are silent until it rejoins", async () => {
  const strict = await watchKey(client(1), "a", hasleader);
  const patient = await watchKey(client(1), "a");
  const elsewhere = await watchKey(client(0), "a", hasleader);
  member(1).cutOff();
  expect(await strict.ended).toMatchObject(noLeader);
  await client(0).put("a", "1");
  await client(0).put("a", "2");
  await elsewhere.next();
  await elsewhere.next();
  expect(patient.received).toHaveLength(1);
  member(1).rejoin();
  expect((await patient.next()).events.map(({ kv }) => kv?.value.toString())).toEqual(["1"]);
  expect((await patient.next()).events.map(({ kv }) => kv?.value.toString())).toEqual(["2"]);
});

test("another member leads when the leader is lost, and leases have their whole time again", async () => {
  const lease = await client(0).grant(60n);
  await etcd.advance(50_000);
  const old = etcd.leader;
  expect(old?.name).toBe("etcd0");
  old?.cutOff();
  expect(etcd.leader?.name).toBe("etcd1");
  const { TTL, header } = await client(1).call(rpcs.lease.leaseTimeToLive, { ID: lease });
  expect(Number(TTL)).toBeGreaterThan(55);
  expect(header?.raftTerm).toBe(3n);
  old?.rejoin();
  expect(etcd.leader?.name).toBe("etcd1");
});

test("without a majority there is no leader, and no lease expires", async () => {
  const lease = await client(2).grant(5n);
  await client(2).put("a", "1", lease);
  await member(0).stop();
  expect(member(2).hasLeader).toBe(true);
  await member(1).stop();
  expect(etcd.leader).toBeUndefined();
  expect(member(2).hasLeader).toBe(false);
  await etcd.advance(60_000);
  expect(await client(2).get("a", { serializable: true })).toBe("1");
  expect(await failureOf(client(2).call(rpcs.kv.put, { key: Buffer.from("a") }, hasleader))).toEqual(
    noLeader,
  );
  await member(1).start();
  expect(await client(2).get("a")).toBe("1");
  await etcd.advance(5_100);
  expect(await client(2).get("a")).toBeUndefined();
});

test("a member that stopped refuses connections, and serves on its port again after a start", async () => {
  const { endpoint } = member(2);
  await member(2).stop();
  expect(member(2).isRunning).toBe(false);
  expect((await failureOf(client(2).get("a"))).code).toBe(status.UNAVAILABLE);
  await member(2).start();
  expect(member(2).endpoint).toBe(endpoint);
  await using again = new Rpc(endpoint);
  expect(await again.put("a", "1")).toBe(2n);
  await member(2).restart();
  await using third = new Rpc(endpoint);
  expect(await third.get("a")).toBe("1");
});

test("the leader moves to the member that is asked for", async () => {
  expect(await failureOf(client(1).call(rpcs.maintenance.moveLeader, { targetID: member(1).id }))).toEqual({
    code: status.FAILED_PRECONDITION,
    details: "etcdserver: not leader",
  });
  expect(await failureOf(client(0).call(rpcs.maintenance.moveLeader, { targetID: 1n }))).toEqual({
    code: status.FAILED_PRECONDITION,
    details: "etcdserver: bad leader transferee",
  });
  await client(0).call(rpcs.maintenance.moveLeader, { targetID: member(2).id });
  expect(etcd.leader?.name).toBe("etcd2");
  member(1).cutOff();
  expect(await failureOf(client(2).call(rpcs.maintenance.moveLeader, { targetID: member(1).id }))).toEqual({
    code: status.UNKNOWN,
    details: "etcdserver: request timed out, leader transfer took too long",
  });
});

test("faults can be for one member", async () => {
  etcd.failCall("Put", { member: "etcd1", times: Infinity });
  await client(0).put("a", "1");
  await expect(client(1).put("a", "2")).rejects.toThrow(/server stopped/);
  member(2).stopAnswering();
  await client(0).put("a", "3");
  const silent = client(2).call(rpcs.kv.range, { key: Buffer.from("a") }, { timeoutMs: 100 });
  expect((await failureOf(silent)).code).toBe(status.DEADLINE_EXCEEDED);
  member(2).answerAgain();
  expect(await client(2).get("a")).toBe("3");
});

test("a member that is alone cannot be cut off", async () => {
  await using alone = await EmbeddedEtcd.start({ quiet: true });
  expect(() => alone.members[0]?.cutOff()).toThrow(/start with at least 2 members/);
});
