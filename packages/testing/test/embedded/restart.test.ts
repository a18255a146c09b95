import { status } from "@grpc/grpc-js";
import { PermissionType, rpcs } from "@quorumkit/proto";
import { expect, test } from "vitest";
import { EmbeddedEtcd } from "../../src/embedded/embedded-etcd.ts";
import { Rpc, failureOf, watchKey } from "./support/rpc.ts";

test("a restart keeps the data and the port, breaks streams, and renews leases", async () => {
  await using etcd = await EmbeddedEtcd.start({ quiet: true });
  await using rpc = new Rpc(etcd.endpoint);
  const { endpoint } = etcd;
  const lease = await rpc.grant(60n);
  await rpc.put("a", "1", lease);
  await etcd.advance(40_000);
  const watch = await watchKey(rpc, "a");

  await etcd.restart();
  expect(await watch.ended).toMatchObject({ code: status.UNAVAILABLE });
  expect(etcd.endpoint).toBe(endpoint);
  await using next = new Rpc(endpoint);
  expect(await next.get("a")).toBe("1");
  expect(etcd.revision).toBe(2n);
  const { TTL, keys } = await next.call(rpcs.lease.leaseTimeToLive, { ID: lease, keys: true });
  expect(Number(TTL)).toBeGreaterThan(55);
  expect(keys.map(String)).toEqual(["a"]);
  const { header } = await next.call(rpcs.maintenance.status, {});
  expect(header?.raftTerm).toBeGreaterThan(2n);
});

test("whoever waits for a lock when the server is killed keeps the place in the queue", async () => {
  await using etcd = await EmbeddedEtcd.start({ quiet: true });
  await using rpc = new Rpc(etcd.endpoint);
  const [a, b] = [await rpc.grant(60n), await rpc.grant(60n)];
  await rpc.call(rpcs.lock.lock, { name: Buffer.from("l"), lease: a });
  const waiting = failureOf(rpc.call(rpcs.lock.lock, { name: Buffer.from("l"), lease: b }));
  const place = `l/${b.toString(16)}`;
  await expect.poll(() => rpc.get(place)).toBe("");
  await etcd.restart();
  expect((await waiting).code).toBe(status.UNAVAILABLE);
  await using next = new Rpc(etcd.endpoint);
  expect(await next.get(place)).toBe("");
});

test("a restart without data begins at revision 1, without leases and users", async () => {
  await using etcd = await EmbeddedEtcd.start({ quiet: true });
  await using rpc = new Rpc(etcd.endpoint);
  const lease = await rpc.grant(60n);
  await rpc.put("a", "1", lease);
  await rpc.call(rpcs.auth.userAdd, { name: "root", password: "r" });
  await etcd.restart({ keepData: false });
  await using next = new Rpc(etcd.endpoint);
  expect(await next.get("a")).toBeUndefined();
  expect(etcd.revision).toBe(1n);
  expect((await next.call(rpcs.lease.leaseLeases, {})).leases).toEqual([]);
  expect((await next.call(rpcs.auth.userList, {})).users).toEqual([]);
  await expect(etcd.restart({ keep: true } as never)).rejects.toThrow(
    'restart: unknown option "keep"; known are keepData',
  );
  await expect(etcd.restart({ keepData: 1 } as never)).rejects.toThrow(
    new TypeError('restart: expected option "keepData" to be a boolean, got 1'),
  );
});

test("a restart forgets the tokens", async () => {
  await using etcd = await EmbeddedEtcd.start({ quiet: true });
  await using rpc = new Rpc(etcd.endpoint);
  await rpc.call(rpcs.auth.userAdd, { name: "root", password: "r" });
  await rpc.call(rpcs.auth.roleAdd, { name: "root" });
  await rpc.call(rpcs.auth.roleGrantPermission, {
    name: "root",
    perm: { permType: PermissionType.READWRITE, key: Buffer.from("a") },
  });
  await rpc.call(rpcs.auth.userGrantRole, { user: "root", role: "root" });
  await rpc.call(rpcs.auth.authEnable, {});
  const { token } = await rpc.call(rpcs.auth.authenticate, { name: "root", password: "r" });
  const metadata = { token };
  await rpc.call(rpcs.kv.put, { key: Buffer.from("a") }, { metadata });
  expect(await failureOf(rpc.put("a", "1"))).toEqual({
    code: status.INVALID_ARGUMENT,
    details: "etcdserver: user name is empty",
  });
  expect(await failureOf(rpc.call(rpcs.cluster.memberList, {}))).toMatchObject({
    details: "etcdserver: user name is empty",
  });

  await etcd.restart();
  await using next = new Rpc(etcd.endpoint);
  expect(await failureOf(next.call(rpcs.kv.put, { key: Buffer.from("a") }, { metadata }))).toEqual({
    code: status.UNAUTHENTICATED,
    details: "etcdserver: invalid auth token",
  });
  const again = await next.call(rpcs.auth.authenticate, { name: "root", password: "r" });
  await next.call(rpcs.kv.put, { key: Buffer.from("a") }, { metadata: { token: again.token } });
});

test("restarts come one after the other, and the end after them", async () => {
  const etcd = await EmbeddedEtcd.start({ quiet: true });
  await using rpc = new Rpc(etcd.endpoint);
  await rpc.put("a", "1");
  const restarts = [etcd.restart(), etcd.restart({ keepData: false })];
  const closed = etcd.close();
  await Promise.all([...restarts, closed]);
  expect(etcd.members[0]?.isRunning).toBe(false);
  expect((await failureOf(rpc.get("a"))).code).toBe(status.UNAVAILABLE);
  await expect(etcd.restart()).rejects.toThrow("the embedded etcd is closed");
});

test("the store goes back to an earlier revision, its leases with it, and watches end", async () => {
  await using etcd = await EmbeddedEtcd.start({ quiet: true });
  await using rpc = new Rpc(etcd.endpoint);
  const early = await rpc.grant(60n);
  await rpc.put("a", "1", early);
  await rpc.put("a", "2");
  const late = await rpc.grant(60n);
  await rpc.put("b", "1", late);
  const watch = await watchKey(rpc, "a");

  await etcd.rollBack({ to: 2n });
  expect(await watch.ended).toMatchObject({ code: status.UNAVAILABLE });
  await using next = new Rpc(etcd.endpoint);
  expect(await next.get("a")).toBe("1");
  expect(await next.get("b")).toBeUndefined();
  expect(etcd.revision).toBe(2n);
  expect((await next.call(rpcs.lease.leaseLeases, {})).leases).toEqual([{ ID: early }]);
  expect(await next.put("c", "1")).toBe(3n);
  await expect(etcd.rollBack({ to: 9n })).rejects.toThrow(/future revision/);
  etcd.compact(3n);
  await expect(etcd.rollBack({ to: 2n })).rejects.toThrow(/has been compacted/);
  await expect(etcd.rollBack({} as never)).rejects.toThrow(/"to" to be a bigint, got undefined/);
  expect(await next.get("c")).toBe("1");
  await expect(etcd.rollBack({ to: 3 } as never)).rejects.toThrow(/"to" to be a bigint, got 3/);
});

test("the clock, leases and compaction are under control", async () => {
  await using etcd = await EmbeddedEtcd.start({ quiet: true, minTtlSeconds: 5 });
  await using rpc = new Rpc(etcd.endpoint);
  const short = await rpc.grant(1n);
  const long = await rpc.grant(60n);
  await rpc.put("short", "1", short);
  await rpc.put("long", "1", long);
  const watch = await watchKey(rpc, "short");
  await etcd.advance(4_900);
  expect(await rpc.get("short")).toBe("1");
  await etcd.advance(200);
  expect((await watch.next()).events[0]?.kv?.modRevision).toBe(4n);
  expect(await rpc.get("long")).toBe("1");

  etcd.expireLease(long);
  expect(await rpc.get("long")).toBeUndefined();
  expect(() => etcd.expireLease(long)).toThrow("etcdserver: requested lease not found");
  expect(() => etcd.expireLease(1 as never)).toThrow(/expected id to be a bigint, got 1/);

  etcd.compact(4n);
  const past = rpc.call(rpcs.kv.range, { key: Buffer.from("short"), revision: 3n });
  expect(await failureOf(past)).toEqual({
    code: status.OUT_OF_RANGE,
    details: "etcdserver: mvcc: required revision has been compacted",
  });
  etcd.compact();
  expect(() => etcd.compact()).toThrow("etcdserver: mvcc: required revision has been compacted");
  expect(() => etcd.compact("4" as never)).toThrow(/expected revision to be a bigint, got "4"/);
});
