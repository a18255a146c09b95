import assert from "node:assert/strict";
import * as fc from "fast-check";
import { startEtcd, startEtcdCluster } from "@quorumkit/testing";
import { EtcdClient } from "@quorumkit/core";
import { describe, expect, it, vi } from "vitest";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { enableAuth, ROOT } from "../support/users.ts";
import { run, type World } from "./run.ts";
import { steps } from "./steps.ts";

/** How many times as much as usual is tried: WATCH_CONFORMANCE=50 takes about half an hour. */
const factor = Number(process.env["WATCH_CONFORMANCE"] ?? "1");
const timeout = 120_000 * factor;

/** Gives the number of batches that were judged. */
async function conform(world: World, numRuns: number, history = 0): Promise<number> {
  let batches = 0;
  // Shrinking would do real faults to real servers for an hour; the seed and the steps are in the report.
  await fc.assert(
    fc.asyncProperty(steps, async (each) => {
      batches += await run(world, each, history);
    }),
    { numRuns: numRuns * factor, endOnFailure: true },
  );
  return batches;
}

/** What befalls the way to a server. */
function faultsOf(proxy: TcpProxy): (() => void)[] {
  const often = (times: number, fault: () => void): (() => void)[] =>
    Array.from({ length: times }, () => fault);
  return [
    ...often(6, () => proxy.cut()),
    ...often(2, () => proxy.hold("answers")),
    ...often(2, () => proxy.hold()),
    ...often(8, () => proxy.release()),
    () => proxy.delay("answers", 30),
    () => proxy.delay("answers", 0),
  ];
}

async function healed(proxy: TcpProxy): Promise<void> {
  proxy.release();
  proxy.delay("answers", 0);
  await Promise.resolve();
}

describe("etcd's nine guarantees hold for a watch", { timeout }, () => {
  it("through cuts, half-open connections, restarts and compactions", async () => {
    await using server = await startEtcd();
    await using proxy = await startTcpProxy(server.endpoint);
    await using direct = new EtcdClient({ endpoints: server.endpoints });
    await using one = new EtcdClient({ endpoints: proxy.endpoint });
    await using other = new EtcdClient({ endpoints: proxy.endpoint });
    let restarts = 0;
    const faults = [
      ...faultsOf(proxy),
      async () => {
        // It takes a second or more: now and then is enough.
        restarts += 1;
        if (restarts % 4 !== 1) return;
        await server.kill();
        await server.restart();
      },
    ];
    const world = { direct, watching: [one, other], faults, heal: async () => healed(proxy) };
    expect(await conform(world, 12)).toBeGreaterThan(20);
  });

  it("while thousands of revisions are replayed", async () => {
    await using server = await startEtcd();
    await using proxy = await startTcpProxy(server.endpoint);
    await using direct = new EtcdClient({ endpoints: server.endpoints });
    await using one = new EtcdClient({ endpoints: proxy.endpoint });
    await using other = new EtcdClient({ endpoints: proxy.endpoint });
    const faults = [() => proxy.cut()];
    // etcd replays 1000 revisions at a time.
    const world = { direct, watching: [one, other], faults, heal: async () => healed(proxy) };
    expect(await conform(world, 2, 3000)).toBeGreaterThan(5);
  });

  it("of a user whose tokens expire, and are refused after each change of the rights", async () => {
    await using server = await startEtcd({ args: ["--auth-token-ttl=1", "--log-level=debug"] });
    await enableAuth(server);
    await using proxy = await startTcpProxy(server.endpoint);
    await using direct = new EtcdClient({ endpoints: server.endpoints, auth: ROOT });
    await using one = new EtcdClient({ endpoints: proxy.endpoint, auth: ROOT });
    await using other = new EtcdClient({ endpoints: proxy.endpoint, auth: ROOT });
    const expired = (): string | undefined =>
      server
        .logs()
        .split("\n")
        .findLast((line) => line.includes("deleted a simple token"));
    let [waits, roles] = [0, 0];
    const tokensExpire = async (): Promise<void> => {
      // It takes two seconds: now and then is enough.
      waits += 1;
      if (waits % 3 !== 1) return;
      const before = expired();
      await vi.waitFor(() => assert.notEqual(expired(), before), { timeout: 20_000, interval: 20 });
    };
    const rightsChange = async (): Promise<void> => {
      roles += 1;
      await direct.auth.roleAdd(`role-${roles}`);
    };
    const faults = [...faultsOf(proxy), ...[1, 2, 3, 4, 5].flatMap(() => [tokensExpire, rightsChange])];
    const world = { direct, watching: [one, other], faults, heal: async () => healed(proxy) };
    expect(await conform(world, 4)).toBeGreaterThan(20);
  });

  it("in a cluster whose members are killed and hang", async () => {
    await using cluster = await startEtcdCluster(3);
    await cluster.leader();
    await using direct = new EtcdClient({ endpoints: cluster.endpoints });
    await using one = new EtcdClient({ endpoints: cluster.endpoints });
    await using other = new EtcdClient({ endpoints: cluster.endpoints });
    const heal = async (): Promise<void> => {
      for (const member of cluster.members) {
        if (member.state === "paused") await member.resume();
        else if (member.state !== "running") await member.restart();
      }
    };
    const whole = (): boolean => cluster.members.every(({ state }) => state === "running");
    // One at a time: two members are a quorum.
    const faults = [
      heal,
      heal,
      ...cluster.members.flatMap((member) => [
        async () => void (whole() && (await member.kill())),
        async () => void (whole() && (await member.pause())),
      ]),
    ];
    const world = { direct, watching: [one, other], faults, heal };
    expect(await conform(world, 3)).toBeGreaterThan(20);
  });
});
