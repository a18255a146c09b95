import { startEtcdCluster, type EtcdCluster } from "@quorumkit/testing";
import { EtcdClient, isEtcdError } from "@quorumkit/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { collect, type Collected, history, watcherCount } from "./support/watching.ts";
import { startTcpProxy } from "./support/tcp-proxy.ts";

let cluster: EtcdCluster;
beforeEach(async () => {
  cluster = await startEtcdCluster(3);
  await cluster.leader();
});
afterEach(async () => {
  await cluster.close();
});

const PREFIX = "cluster/";

/** Which running member serves the watches of this test. */
async function watchedMember(): Promise<EtcdCluster["members"][number]> {
  for (;;) {
    for (const member of cluster.members) {
      if (member.state === "running" && (await watcherCount(member)) > 0) return member;
    }
  }
}

/** Writes through whichever members live; says how far the store is at the end. */
async function write(etcd: EtcdClient, count: number): Promise<bigint> {
  let revision = 0n;
  for (let done = 0; done < count;) {
    try {
      ({ revision } = await etcd.put(`${PREFIX}${done % 10}`, `${done}`, { timeoutMs: 2000 }));
      done += 1;
    } catch (error) {
      if (!isEtcdError(error, "UNAVAILABLE", "TIMEOUT", "NO_LEADER")) throw error;
    }
  }
  return revision;
}

async function expectWhole(
  etcd: EtcdClient,
  seen: readonly Collected[],
  start: bigint,
  end: bigint,
  timeout = 15_000,
): Promise<void> {
  for (const each of seen) await expect.poll(() => each.revision(), { timeout }).toBe(end);
  const truth = await history(etcd, PREFIX, start - 1n, end);
  for (const each of seen) expect(each.lines()).toEqual(truth);
}

describe("a watch on a cluster goes on elsewhere, and loses nothing", { timeout: 60_000 }, () => {
  it("when the leader is killed", async () => {
    await using etcd = new EtcdClient({ endpoints: cluster.endpoints });
    const { revision: start } = await etcd.put(`${PREFIX}start`, "");
    const seen = Array.from({ length: 20 }, () =>
      collect(etcd.watch({ prefix: PREFIX }, { startRevision: start })),
    );
    await write(etcd, 50);
    const leader = await cluster.leader();
    const writing = write(etcd, 200);
    await leader.kill();
    await writing;
    await leader.restart();
    await expectWhole(etcd, seen, start, await write(etcd, 50));
  });

  it("when its member is killed", async () => {
    await using etcd = new EtcdClient({ endpoints: cluster.endpoints });
    const { revision: start } = await etcd.put(`${PREFIX}start`, "");
    const watcher = etcd.watch({ prefix: PREFIX }, { startRevision: start });
    const seen = collect(watcher);
    await watcher.ready();
    await write(etcd, 20);
    const member = await watchedMember();
    await member.kill();
    await expectWhole(etcd, [seen], start, await write(etcd, 100));
    expect(await watchedMember()).not.toBe(member);
  });

  it("when its member hangs, as soon as the pings find out", async () => {
    await using etcd = new EtcdClient({ endpoints: cluster.endpoints });
    const { revision: start } = await etcd.put(`${PREFIX}start`, "");
    const watcher = etcd.watch({ prefix: PREFIX }, { startRevision: start });
    const seen = collect(watcher);
    await watcher.ready();
    const member = await watchedMember();
    await member.pause();
    const end = await write(etcd, 50);
    // Pings go every 10 s and wait 5 s.
    await expectWhole(etcd, [seen], start, end, 20_000);
    expect(await watchedMember()).not.toBe(member);
    await member.resume();
    await expectWhole(etcd, [seen], start, await write(etcd, 20));
  });

  it("when its member has lost the others", async () => {
    // Two of three gone: the third one lives, but has no leader, and must not keep the watch in silence.
    await using etcd = new EtcdClient({ endpoints: cluster.endpoints });
    const { revision: start } = await etcd.put(`${PREFIX}start`, "");
    const watcher = etcd.watch({ prefix: PREFIX }, { startRevision: start });
    const seen = collect(watcher);
    await watcher.ready();
    const member = await watchedMember();
    const others = cluster.members.filter((each) => each !== member);
    await Promise.all(others.map(async (each) => each.kill()));
    await expect.poll(() => watcher.state, { timeout: 15_000 }).toBe("interrupted");
    await Promise.all(others.map(async (each) => each.restart()));
    await expectWhole(etcd, [seen], start, await write(etcd, 50));
  });
});

describe("a watch with a bad endpoint in its list", { timeout: 60_000 }, () => {
  it("passes over one where nothing listens", async () => {
    const [dead, ...alive] = cluster.members;
    await dead?.kill();
    for (let round = 0; round < 6; round += 1) {
      await using etcd = new EtcdClient({ endpoints: cluster.endpoints });
      await etcd.watch("a").ready({ timeoutMs: 5000 });
      await etcd.watch("a", { startRevision: 1n }).ready({ timeoutMs: 5000 });
    }
    expect(alive.length).toBe(2);
  });

  it("passes over one that accepts connections and says nothing", async () => {
    await using hanging = await startTcpProxy(cluster.endpoints[0] as string);
    hanging.hold();
    const endpoints = [hanging.endpoint, cluster.endpoints[1] as string];
    // Which endpoint is first is chosen at random.
    let tried = 0;
    for (let round = 0; round < 50 && tried < 2; round += 1) {
      await using etcd = new EtcdClient({ endpoints });
      await etcd.watch("a", { startRevision: 1n }).ready({ timeoutMs: 5000 });
      if (hanging.connections > 0) tried += 1;
    }
    expect(tried).toBe(2);
  });
});
