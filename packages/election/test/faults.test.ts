import { EtcdClient, isEtcdError, op } from "@quorumkit/core";
import { Election, type Leadership } from "@quorumkit/election";
import { startEtcd, startEtcdCluster } from "@quorumkit/testing";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { eventually, queueUp, reasonOf, useEtcd } from "./support/harness.ts";
import { buildHolder, type Holder, type HolderProgram } from "./support/processes.ts";

const harness = useEtcd();
let program: HolderProgram;
beforeAll(async () => {
  program = await buildHolder();
});
afterAll(() => program.remove());

/** A leader in a process of its own. */
async function startHolder(name: string, ttlSeconds: number): Promise<Holder> {
  const holder = program.start(harness.server.endpoint, name, "holder", ttlSeconds);
  onTestFinished(() => holder.end("SIGKILL"));
  await holder.next("elected");
  return holder;
}

function newElection(name: string, ttlSeconds = 10): Election {
  const election = new Election(harness.etcd, name, { ttlSeconds });
  onTestFinished(() => election.close());
  return election;
}

describe("a leader's process", () => {
  it("that is killed loses to the next candidate when its lease expires", async () => {
    const name = harness.newName();
    const holder = await startHolder(name, 2);
    const next = await queueUp(newElection(name), "next");
    await holder.end("SIGKILL");
    const term = await next.elected;
    expect(term.isLeader).toBe(true);
    expect(await harness.keysOf(name)).toEqual([term.key]);
  });

  it("that is stopped longer than its TTL is no leader at its first look, and cannot write", async () => {
    const name = harness.newName();
    const holder = await startHolder(name, 2);
    const next = await queueUp(newElection(name), "next");
    holder.process.kill("SIGSTOP");
    // Waiting in its input before it wakes up.
    for (const command of ["look", "write", "guard"] as const) holder.send(command);
    const term = await next.elected;
    await term
      .txn()
      .then(op.put(`${name}-data`, "next"))
      .commit();

    holder.process.kill("SIGCONT");
    expect(await holder.next("look")).toMatchObject({ isLeader: false });
    expect(await holder.next("write")).toMatchObject({ isLeader: false, code: "NOT_OWNER" });
    expect(await holder.next("guard")).toMatchObject({ isLeader: false, applied: false });
    expect(await harness.text(`${name}-data`)).toBe("next");
    expect(term.isLeader).toBe(true);
  });

  it("that is stopped for less than its TTL stays leader, with the same token", async () => {
    const name = harness.newName();
    const holder = await startHolder(name, 10);
    const [key] = await harness.keysOf(name);
    holder.process.kill("SIGSTOP");
    await sleep(1_000); // the fault itself
    holder.process.kill("SIGCONT");
    holder.send("write");
    expect(await holder.next("write")).toMatchObject({ isLeader: true, code: "OK" });
    expect(await harness.keysOf(name)).toEqual([key]);
  });

  it("that closes leaves no key and no lease, and ends by itself", async () => {
    const name = harness.newName();
    const holder = await startHolder(name, 10);
    const lease = (await harness.etcd.range({ prefix: `${name}/` })).kvs[0]?.lease ?? 0n;
    const exited = once(holder.process, "exit");
    holder.send("close");
    await holder.next("closed");
    expect(await exited).toEqual([0, null]);
    expect(await harness.keysOf(name)).toEqual([]);
    expect(await harness.etcd.leases.timeToLive(lease)).toBeUndefined();
  });
});

describe("a blocked event loop", () => {
  it("leaves no leader standing: right after it, isLeader is false", async () => {
    const leader = await newElection(harness.newName(), 2).campaign("busy");
    const blockedMs = leader.remainingMs + 50;
    expect(leader.isLeader).toBe(true);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockedMs);
    expect(leader.isLeader).toBe(false);
    expect(leader.remainingMs).toBe(0);
    await expect(leader.proclaim("late")).rejects.toMatchObject({ code: "NOT_OWNER" });
    expect(await reasonOf(leader.signal)).toMatchObject({ code: "LEASE_EXPIRED" });
    expect(leader.isLeader).toBe(false);
  });
});

describe("etcd", () => {
  it("killed and restarted leaves leader and waiters as they are", async () => {
    await using server = await startEtcd();
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    await using election = new Election(etcd, "restart", { ttlSeconds: 30 });
    const leader = await election.campaign("a");
    const second = await queueUp(election, "b");
    const third = await queueUp(election, "c");
    await server.kill();
    await server.restart();
    expect(leader.isLeader).toBe(true);
    await leader.txn().then(op.put("data", "a")).commit({ timeoutMs: 20_000, repeatable: true });
    await leader.resign({ timeoutMs: 20_000 });
    const secondTerm = await second.elected;
    expect(secondTerm.value).toBe("b");
    await secondTerm.resign();
    expect((await third.elected).value).toBe("c");
  });

  it("away for longer than the TTL: the leader is told while it is away, and the waiters queue again", async () => {
    await using server = await startEtcd();
    await using etcd = new EtcdClient({ endpoints: server.endpoints, timeoutMs: 1_000 });
    await using election = new Election(etcd, "outage", { ttlSeconds: 2 });
    const leader = await election.campaign("a");
    const waiters = [await queueUp(election, "b"), await queueUp(election, "c")];
    await server.kill();
    expect(await reasonOf(leader.signal)).toMatchObject({ code: "LEASE_EXPIRED" });
    expect(leader.isLeader).toBe(false);
    await server.restart();
    const order: Leadership[] = [];
    await Promise.all(
      waiters.map(async ({ elected }) => {
        const term = await elected;
        expect(order.filter(({ isLeader }) => isLeader)).toEqual([]);
        order.push(term);
        expect(term.isLeader).toBe(true);
        await term.resign();
      }),
    );
    expect(order).toHaveLength(2);
    expect(order[0]?.fencingToken).toBeGreaterThan(leader.fencingToken);
    expect(order[1]?.fencingToken).toBeGreaterThan(order[0]?.fencingToken ?? 0n);
  });

  it("away for longer than the TTL: of several runners at most one works, before and after", async () => {
    await using server = await startEtcd();
    await using first = new EtcdClient({ endpoints: server.endpoints, timeoutMs: 1_000 });
    await using second = new EtcdClient({ endpoints: server.endpoints, timeoutMs: 1_000 });
    const stop = new AbortController();
    const working = new Set<Leadership>();
    const together: number[] = [];
    const tokens: bigint[] = [];
    const work = async (leadership: Leadership): Promise<void> => {
      working.add(leadership);
      tokens.push(leadership.fencingToken);
      together.push([...working].filter(({ isLeader }) => isLeader).length);
      await reasonOf(leadership.signal);
      working.delete(leadership);
    };
    const errors: unknown[] = [];
    const runs = [first, second].map((etcd) =>
      new Election(etcd, "runners", { ttlSeconds: 2 }).run(work, {
        signal: stop.signal,
        onError: (error) => errors.push(error),
      }),
    );
    await eventually(() => working.size).toBe(1);
    await server.kill();
    await eventually(() => working.size).toBe(0);
    await server.restart();
    await eventually(() => working.size, 20_000).toBe(1);
    stop.abort();
    await Promise.all(runs);
    expect(together).toEqual(together.map(() => 1));
    expect(tokens.length).toBeGreaterThan(1);
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => (a < b ? -1 : 1)));
    expect((await first.range({ prefix: "runners/" })).kvs).toEqual([]);
    // What kept the runners from queuing was told.
    for (const error of errors) expect(isEtcdError(error, "UNAVAILABLE", "TIMEOUT")).toBe(true);
  });

  it("losing the leader of its cluster costs nobody a leadership", async () => {
    await using cluster = await startEtcdCluster(3);
    await using etcd = new EtcdClient({ endpoints: cluster.endpoints });
    await using election = new Election(etcd, "cluster", { ttlSeconds: 15 });
    const leader = await election.campaign("a");
    const waiter = await queueUp(election, "b");
    await (await cluster.leader()).kill();
    await leader.txn().then(op.put("data", "a")).commit({ timeoutMs: 20_000, repeatable: true });
    expect(leader.isLeader).toBe(true);
    await leader.resign({ timeoutMs: 20_000 });
    const term = await waiter.elected;
    expect(term.fencingToken).toBeGreaterThan(leader.fencingToken);
    await term.resign({ timeoutMs: 20_000 });
  });
});
