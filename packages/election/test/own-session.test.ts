import { EtcdClient } from "@quorumkit/core";
import { Election } from "@quorumkit/election";
import { startEtcd } from "@quorumkit/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually, reasonOf, useEtcd } from "./support/harness.ts";

const harness = useEtcd();

describe("a session of the caller's", () => {
  it("is refused when another client opened it", async () => {
    await using other = new EtcdClient({ endpoints: harness.server.endpoints });
    await using session = await other.openSession();
    const elect = (): Election => new Election(harness.etcd, harness.newName(), { session });
    expect(elect).toThrow(TypeError);
    expect(elect).toThrow(/session must be one of the same client .* \(lease [0-9a-f]+\)/);
    const inside = other.namespace("inside/");
    onTestFinished(() => inside.close());
    expect(new Election(inside, harness.newName(), { session }).name).toContain("election-test");
  });

  it("a close() that could not resign tries again when it is called again", async () => {
    await using server = await startEtcd();
    await using etcd = new EtcdClient({ endpoints: server.endpoints, timeoutMs: 500 });
    await using session = await etcd.openSession({ ttlSeconds: 60 });
    const election = new Election(etcd, "again", { session });
    const leader = await election.campaign("leader");
    await server.pause();
    await expect(election.close()).rejects.toMatchObject({
      code: expect.stringMatching(/TIMEOUT|UNAVAILABLE/),
    });
    expect(leader.isLeader).toBe(false);
    await expect(leader.resign()).rejects.toMatchObject({
      code: expect.stringMatching(/TIMEOUT|UNAVAILABLE/),
    });
    await server.resume();
    await eventually(() => election.close().then(() => "closed", String)).toBe("closed");
    expect(await etcd.get(leader.key, { timeoutMs: 15_000 })).toBeUndefined();
    expect(session.alive).toBe(true);
    await election.close();
  });

  it("a close() after a resignation that failed frees the place", async () => {
    await using server = await startEtcd();
    await using etcd = new EtcdClient({ endpoints: server.endpoints, timeoutMs: 500 });
    await using session = await etcd.openSession({ ttlSeconds: 60 });
    const election = new Election(etcd, "again", { session });
    const leader = await election.campaign("leader");
    await server.kill();
    const resigned = leader.resign({ timeoutMs: 100 });
    await expect(resigned).rejects.toMatchObject({ code: expect.stringMatching(/TIMEOUT|UNAVAILABLE/) });
    await server.restart();
    expect(await etcd.get(leader.key, { timeoutMs: 15_000 })).toBeDefined();
    await eventually(() => election.close().then(() => "closed", String)).toBe("closed");
    expect(await etcd.get(leader.key, { timeoutMs: 15_000 })).toBeUndefined();
  });

  it("outlives a resignation of run() that failed: the next term waits for that", async () => {
    await using server = await startEtcd();
    await using etcd = new EtcdClient({ endpoints: server.endpoints, timeoutMs: 500 });
    await using session = await etcd.openSession({ ttlSeconds: 60 });
    await using election = new Election(etcd, "run", { session });
    const stop = new AbortController();
    const errors: unknown[] = [];
    const tokens: bigint[] = [];
    const run = election.run(
      async (leadership) => {
        tokens.push(leadership.fencingToken);
        if (tokens.length === 1) await server.pause();
        else await reasonOf(leadership.signal);
      },
      { signal: stop.signal, onError: (error) => errors.push(error) },
    );
    await eventually(() => errors.length).toBeGreaterThan(1);
    await server.resume();
    await eventually(() => tokens.length).toBe(2);
    expect(tokens[1]).toBeGreaterThan(tokens[0] as bigint);
    for (const error of errors)
      expect(error).toMatchObject({ code: expect.stringMatching(/TIMEOUT|UNAVAILABLE/) });
    stop.abort();
    await run;
  });
});

describe("a session of the leader's own", () => {
  it("resign() returns within its limit while etcd is away", async () => {
    await using server = await startEtcd();
    await using etcd = new EtcdClient({ endpoints: server.endpoints, timeoutMs: 4_000 });
    await using election = new Election(etcd, "limited", { ttlSeconds: 60 });
    const leader = await election.campaign("leader");
    await server.pause();
    const before = performance.now();
    await leader.resign({ timeoutMs: 100 });
    expect(performance.now() - before).toBeLessThan(2_000);
    await server.resume();
    await eventually(() => etcd.get(leader.key, { timeoutMs: 15_000 })).toBeUndefined();
  });
});
