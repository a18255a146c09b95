import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { ProxiedCluster } from "../../src/proxy/proxied-cluster.ts";
import type { ProxiedMember } from "../../src/proxy/proxied-member.ts";
import { startProxiedCluster } from "../../src/proxy/start-proxied-cluster.ts";
import { memberStatus, type MemberStatus } from "../../src/status.ts";
import { answers, get, put } from "../support/kv.ts";
import { grantLease, leaseKeepAlive, memberUrls, putSoon } from "./support/gateway.ts";

let cluster: ProxiedCluster;
beforeAll(async () => {
  cluster = await startProxiedCluster(3);
});
afterAll(() => cluster.close());

afterEach(async () => {
  cluster.heal();
  await expectOneCluster();
});

/** What a member says of itself, past the proxies. */
async function statusOf({ server }: ProxiedMember): Promise<MemberStatus | undefined> {
  return memberStatus(server.endpoint);
}

/** All three follow the same leader, and see what is written. */
async function expectOneCluster(): Promise<void> {
  await expect
    .poll(
      async () => {
        const leaders = await Promise.all(
          cluster.members.map(async (each) => (await statusOf(each))?.leader),
        );
        return leaders[0] !== 0n && leaders[0] !== undefined && new Set(leaders).size === 1;
      },
      { timeout: 15_000 },
    )
    .toBe(true);
  const value = `${performance.now()}`;
  const leader = await cluster.leader();
  await put(leader.endpoint, "healed", value);
  for (const { endpoint } of cluster.members) expect(await get(endpoint, "healed")).toBe(value);
}

function others(member: ProxiedMember): ProxiedMember[] {
  return cluster.members.filter((each) => each !== member);
}

async function expectNewLeader(first: ProxiedMember, termBefore: bigint): Promise<ProxiedMember> {
  const second = await cluster.leader();
  expect(second).not.toBe(first);
  const status = await statusOf(second);
  expect(status?.leader).toBe(status?.memberId);
  expect(status?.term).toBeGreaterThan(termBefore);
  return second;
}

async function leaderAndTerm(): Promise<{ leader: ProxiedMember; term: bigint }> {
  const leader = await cluster.leader();
  return { leader, term: (await statusOf(leader))?.term ?? 0n };
}

test("etcd advertises the proxies only, to clients and to its peers", async () => {
  const urls = await memberUrls(cluster.members[0]?.server.endpoint ?? "");
  const expected = cluster.members.map(({ clients, peers }) => ({
    client: [clients.endpoint],
    peer: [peers.endpoint],
  }));
  expect(new Set(urls.map((each) => JSON.stringify(each)))).toEqual(
    new Set(expected.map((each) => JSON.stringify(each))),
  );
  for (const { peers } of cluster.members) expect(peers.bytesPassed.requests).toBeGreaterThan(0);
});

test("cut from clients: nobody gets an answer, and the member goes on in the cluster", async () => {
  const [member] = cluster.members as [ProxiedMember];
  cluster.cutFromClients(0);
  expect(await answers(member.endpoint)).toBe(false);
  await put(cluster.endpoints[1] ?? "", "meanwhile", "written");
  expect(await get(member.server.endpoint, "meanwhile")).toBe("written");
  cluster.heal(0);
  expect(await get(member.endpoint, "meanwhile")).toBe("written");
});

test("a client's request can get lost without the connection", async () => {
  cluster.cutFromClients(0, { how: "halfOpen" });
  expect(await answers(cluster.endpoints[0] ?? "")).toBe(false);
  const [member] = cluster.members as [ProxiedMember];
  expect(member.clients.connections.length).toBeGreaterThan(0);
  expect(member.clients.refused).toBe(0);
});

test.each(["cut", "halfOpen", "hold"] as const)(
  "an isolated leader (%s) is replaced, knows no leader itself, and comes back when healed",
  async (how) => {
    const { leader: first, term } = await leaderAndTerm();
    cluster.isolate(first.index, { how });
    const second = await expectNewLeader(first, term);
    await put(second.endpoint, `while-${how}`, "without it");
    // By its own word it does not lead, and it cannot answer what needs a majority.
    await expect.poll(async () => (await statusOf(first))?.leader, { timeout: 10_000 }).toBe(0n);
    await expect(putSoon(first.server.endpoint, `alone-${how}`)).rejects.toThrow("timeout");
    cluster.heal(first.index);
    await expectOneCluster();
    expect(await get(first.endpoint, `while-${how}`)).toBe("without it");
  },
);

test("cut from its peers, a member still answers clients what needs no majority", async () => {
  const { leader } = await leaderAndTerm();
  const [follower] = others(leader) as [ProxiedMember];
  cluster.cutFromPeers(follower.index);
  await expect.poll(async () => (await statusOf(follower))?.leader, { timeout: 10_000 }).toBe(0n);
  expect(await memberStatus(follower.endpoint)).toBeDefined();
  expect(await cluster.leader()).toBe(leader);
});

test("a mute leader (its bytes are lost, it hears the others) is replaced, and learns of it", async () => {
  const { leader: first, term } = await leaderAndTerm();
  cluster.cutFromPeers(first.index, { way: "outgoing" });
  await expect
    .poll(
      async () => {
        const [one, two] = await Promise.all(others(first).map(statusOf));
        return one?.leader === two?.leader && (one?.leader ?? 0n) !== 0n && (one?.term ?? 0n) > term;
      },
      { timeout: 15_000 },
    )
    .toBe(true);
  const second = await expectNewLeader(first, term);
  // It still hears whom it has to follow.
  const { memberId } = (await statusOf(second)) as MemberStatus;
  await expect.poll(async () => (await statusOf(first))?.leader, { timeout: 10_000 }).toBe(memberId);
});

test("a deaf leader (it is heard, and hears nothing) steps down", async () => {
  const { leader: first, term } = await leaderAndTerm();
  cluster.cutFromPeers(first.index, { way: "incoming" });
  await expectNewLeader(first, term);
  expect((await statusOf(first))?.leader).not.toBe((await statusOf(first))?.memberId);
});

test("two followers that cannot reach each other do not disturb the leader", async () => {
  const { leader, term } = await leaderAndTerm();
  const [one, two] = others(leader) as [ProxiedMember, ProxiedMember];
  cluster.cutBetween(one.index, two.index);
  const value = `${term}`;
  await put(leader.endpoint, "through", value);
  expect(await get(one.endpoint, "through")).toBe(value);
  expect(await get(two.endpoint, "through")).toBe(value);
  expect(await leaderAndTerm()).toEqual({ leader, term });
});

test("a follower that cannot reach the leader cannot renew leases there, and another one can", async () => {
  const { leader } = await leaderAndTerm();
  const [muted, free] = others(leader) as [ProxiedMember, ProxiedMember];
  const lease = await grantLease(leader.endpoint, 60);
  // etcd keeps the connection on which it passes renewals on, without ever saying who it is.
  expect(await leaseKeepAlive(muted.endpoint, lease)).toBe(60);
  // It still hears the leader, and knows whom to ask.
  cluster.cutBetween(muted.index, leader.index, { way: "outgoing", how: "hold" });
  await expect(leaseKeepAlive(muted.endpoint, lease)).rejects.toThrow("timeout");
  expect(await leaseKeepAlive(free.endpoint, lease)).toBe(60);
  cluster.heal();
  await expect.poll(() => leaseKeepAlive(muted.endpoint, lease).catch(String), { timeout: 15_000 }).toBe(60);
});

test("slow peers make every write slow", async () => {
  const { leader } = await leaderAndTerm();
  cluster.delayPeers(leader.index, 100);
  const begun = performance.now();
  await put(leader.endpoint, "slow", "there and back");
  expect(performance.now() - begun).toBeGreaterThanOrEqual(199);
  cluster.delayPeers(leader.index, 0);
});

test("wrong input is refused by name", async () => {
  expect(() => cluster.isolate(3)).toThrow("index to be a whole number from 0 to 2, got 3");
  expect(() => cluster.cutBetween(1, 1)).toThrow("other to be another member than 1");
  expect(() => cluster.isolate(0, { way: "incoming", how: "cut" })).toThrow(
    '"how" to be "halfOpen" or "hold" for the way "incoming", got "cut"',
  );
  expect(() => cluster.isolate(0, { way: "up" as "both" })).toThrow('"way" to be one of');
  expect(() => cluster.isolate(0, { how: "gone" as "cut" })).toThrow('"how" to be one of');
  expect(() => cluster.isolate(0, { direction: "both" } as object)).toThrow('Unknown option "direction"');
  await expect(startProxiedCluster(0)).rejects.toThrow("size to be a whole number from 1 to 9, got 0");
  await expect(startProxiedCluster(3, { source: ["container"] })).rejects.toThrow(
    "needs an etcd binary: etcd in a container cannot reach the proxies",
  );
});
