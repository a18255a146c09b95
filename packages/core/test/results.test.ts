import { EtcdClient, type Leasing, op } from "@quorumkit/core";
import { AlarmType } from "@quorumkit/proto";
import { EmbeddedEtcd, type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Auth } from "../src/auth/auth.ts";
import { Cluster } from "../src/cluster/cluster.ts";
import { Maintenance } from "../src/maintenance/maintenance.ts";
import type { Connection } from "../src/transport/connection.ts";
import { resultsWithBigint } from "./support/results-with-bigint.ts";

let server: EtcdServer;
let etcd: EtcdClient;
beforeAll(async () => {
  server = await startEtcd();
  etcd = new EtcdClient({ endpoints: server.endpoints });
  await etcd.put("key", "value");
});
afterAll(async () => {
  await etcd.close();
  await server.close();
});

/** For what takes a cluster of several, a full disk or a new etcd: a server that says so. */
const MEMBER = { ID: 2n ** 63n, name: "a", peerURLs: [], clientURLs: [], isLearner: false };
const ALARM = { memberID: 2n ** 63n, alarm: AlarmType.NOSPACE };
const said = {
  defaultTimeoutMs: 5_000,
  unary: async () => ({
    member: MEMBER,
    members: [MEMBER],
    alarms: [ALARM],
    enabled: true,
    authRevision: 1n,
  }),
} as unknown as Connection;
const auth = new Auth(said);
const cluster = new Cluster(said);
const maintenance = new Maintenance(said);

async function first<T>(source: AsyncIterable<T>): Promise<T> {
  for await (const each of source) return each;
  throw new Error("nothing came");
}

async function mirrored<T>(
  give: (mirror: Awaited<ReturnType<EtcdClient["mirror"]>>) => T | Promise<T>,
): Promise<T> {
  const mirror = await etcd.mirror("mirrored");
  try {
    return await give(mirror);
  } finally {
    await mirror.close();
  }
}

async function leased<T>(use: (leasing: Leasing) => Promise<T>): Promise<T> {
  await using leasing = await etcd.leasing("owners/");
  return await use(leasing);
}

/** A batch without events. Not every etcd tells of progress when it is asked to. */
async function progress(): Promise<unknown> {
  await using embedded = await EmbeddedEtcd.start({ quiet: true });
  await using client = new EtcdClient({ endpoints: embedded.endpoint });
  const watcher = client.watch("key", { progressNotify: true });
  await watcher.ready();
  // Something that does not concern it.
  await client.put("another", "1");
  await watcher.requestProgress();
  return await first(watcher);
}

async function granted(): Promise<bigint> {
  return (await etcd.leases.grant({ ttlSeconds: 60 })).id;
}

/** How to get each of the results with a bigint that there are. */
const RESULTS: Readonly<Record<string, () => Promise<unknown>>> = {
  "Auth.status": async () => auth.status(),
  "EtcdClient.put": async () => etcd.put("put", "1", { prevKv: true }),
  "EtcdClient.range": async () => etcd.range({ prefix: "" }),
  "EtcdClient.pages": async () => first(etcd.pages({ prefix: "" })),
  "EtcdClient.delete": async () => etcd.delete("put", { prevKv: true }),
  "EtcdClient.compareAndSwap": async () => [
    await etcd.compareAndSwap("swap", undefined, "1"),
    await etcd.compareAndSwap("swap", undefined, "1"),
  ],
  "EtcdClient.putIfAbsent": async () => [
    await etcd.putIfAbsent("absent", "1"),
    await etcd.putIfAbsent("absent", "1"),
  ],
  "EtcdClient.putWithTtl": async () => etcd.putWithTtl("ttl", "1", { ttlSeconds: 60 }),
  "EtcdClient.putAll": async () => etcd.putAll([["all", "1"]]),
  "EtcdClient.stm": async () => etcd.stm(async (tx) => tx.get("key")),
  "Cluster.memberList": async () => etcd.cluster.memberList(),
  "Cluster.memberAdd": async () => cluster.memberAdd({ peerUrls: ["http://127.0.0.1:1"] }),
  "Cluster.memberRemove": async () => cluster.memberRemove(1n),
  "Cluster.memberUpdate": async () => cluster.memberUpdate(1n, { peerUrls: ["http://127.0.0.1:1"] }),
  "Cluster.memberPromote": async () => cluster.memberPromote(1n),
  "Leases.grant": async () => [
    await etcd.leases.grant({ ttlSeconds: 60 }),
    await etcd.leases.grant({ ttlSeconds: 60, id: 99n }),
  ],
  "Leases.timeToLive": async () => etcd.leases.timeToLive(await granted(), { keys: true }),
  "Leases.list": async () => [await granted(), await etcd.leases.list()][1],
  "Session.lease": async () => [
    (await etcd.openSession()).lease,
    (await etcd.openSession({ lease: await granted() })).lease,
  ],
  "Maintenance.status": async () => etcd.maintenance.status(),
  "Maintenance.hash": async () => etcd.maintenance.hash(),
  "Maintenance.hashKV": async () => etcd.maintenance.hashKV(),
  "Maintenance.alarms": async () => maintenance.alarms(),
  "Maintenance.disarm": async () => maintenance.disarm(),
  "Mirror.lag": async () => mirrored((mirror) => mirror.lag),
  "MirrorEvents.change": async () =>
    mirrored(async (mirror) => {
      const change = new Promise((resolve) => void mirror.once("change", resolve));
      await etcd.put("mirrored", "1");
      return change;
    }),
  "GuardedTxn.commit": async () =>
    etcd.lock("lock").using(async (held) => held.txn().then(op.put("guarded", "1")).commit()),
  "Leasing.put": async () => leased((leasing) => leasing.put("leased", "1", { prevKv: true })),
  "Leasing.range": async () => leased((leasing) => leasing.range({ prefix: "" })),
  "Leasing.delete": async () => leased((leasing) => leasing.delete("leased", { prevKv: true })),
  "LeasingTxn.commit": async () => leased((leasing) => leasing.txn().then(op.put("leased", "1")).commit()),
  "PriorityQueue.enqueue": async () => etcd.priorityQueue("priority").enqueue("1", 1),
  "Queue.enqueue": async () => etcd.queue("queue").enqueue("1"),
  "ElectionService.campaign": async () =>
    etcd.electionService.campaign("election", "1", { lease: await granted() }),
  "Txn.commit": async () => [
    await etcd
      .txn()
      .then(op.put("txn", "1"), op.txn(etcd.txn().then(op.get("txn"), op.delete("nested"))))
      .commit(),
    await etcd.txn().commit(),
  ],
  "Watcher.lag": async () => etcd.watch("key").lag,
  "Watcher.asyncIterator": async () => [
    await first(etcd.watch("key", { startRevision: 1n, prevKv: true })),
    await progress(),
  ],
};

/** Has a bigint in it, but is for the client to send, and nothing a call gives. */
const REQUESTS = ["HeldLock.guard", "Txn.parts"];

/** What JSON makes of a value whose bigints are decimal strings. Objects that print themselves are taken at their word. */
function withoutBigint(value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null || Buffer.isBuffer(value)) return value;
  if (Array.isArray(value)) return value.map(withoutBigint);
  const own = Object.entries(value);
  // Of a class: its own toJSON is what there is.
  if (own.length === 0) return value;
  return Object.fromEntries(own.map(([name, each]) => [name, withoutBigint(each)]));
}

describe("results with 64-bit numbers", () => {
  it("are all in this list", () => {
    expect([...Object.keys(RESULTS), ...REQUESTS].toSorted()).toEqual(resultsWithBigint().toSorted());
  });

  it.each(Object.entries(RESULTS))("%s is printed with decimal strings", async (_name, call) => {
    const result = await call();
    const printed = JSON.stringify(result);
    expect(JSON.parse(printed)).toEqual(JSON.parse(JSON.stringify(withoutBigint(result))));
    expect(printed).toMatch(/"\d+"/);
  });
});
