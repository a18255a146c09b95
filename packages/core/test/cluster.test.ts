import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { EtcdClient } from "@quorumkit/core";
import { startEtcd, startEtcdCluster, type EtcdCluster } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

let cluster: EtcdCluster;
let etcd: EtcdClient;
beforeAll(async () => {
  cluster = await startEtcdCluster(3);
  etcd = new EtcdClient({ endpoints: cluster.endpoints });
});
afterAll(async () => {
  await etcd.close();
  await cluster.close();
});

/** etcd refuses changes until all members have been connected for five seconds. */
const PATIENT = { timeoutMs: 25_000 };

async function freePeerUrl(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

describe("the members of a cluster", () => {
  it("are listed with ids, names and addresses", async () => {
    const members = await etcd.cluster.memberList();
    expect(members.map(({ name }) => name).sort()).toEqual(cluster.members.map(({ name }) => name));
    expect(new Set(members.map(({ id }) => id)).size).toBe(3);
    expect(members.flatMap(({ clientUrls }) => clientUrls).sort()).toEqual([...cluster.endpoints].sort());
    for (const { id, peerUrls, isLearner } of members) {
      expect(typeof id).toBe("bigint");
      expect(peerUrls).toHaveLength(1);
      expect(isLearner).toBe(false);
    }
  });

  it("are added as a learner, started, promoted and removed", { timeout: 90_000 }, async () => {
    const peerUrl = await freePeerUrl();
    const added = await etcd.cluster.memberAdd({ peerUrls: [peerUrl], isLearner: true, ...PATIENT });
    expect(added.member).toMatchObject({ name: "", peerUrls: [peerUrl], clientUrls: [], isLearner: true });
    expect(added.members.map(({ id }) => id)).toContain(added.member.id);
    expect(added.members).toHaveLength(4);
    const { id } = added.member;

    await expect(etcd.cluster.memberAdd({ peerUrls: [peerUrl], ...PATIENT })).rejects.toMatchObject({
      code: expect.stringMatching(/ALREADY_EXISTS|FAILED_PRECONDITION/) as string,
      outcome: "notApplied",
    });
    await expect(etcd.cluster.memberPromote(id, PATIENT)).rejects.toMatchObject({
      code: "FAILED_PRECONDITION", // it has not even started
      outcome: "notApplied",
    });
    const initial = added.members.map(
      ({ name, peerUrls }) => `${name === "" ? "fourth" : name}=${peerUrls[0]}`,
    );
    const starting = startEtcd({
      version: cluster.version,
      args: [
        "--name=fourth",
        `--listen-peer-urls=${peerUrl}`,
        `--initial-advertise-peer-urls=${peerUrl}`,
        `--initial-cluster=${initial.join(",")}`,
        "--initial-cluster-state=existing",
      ],
    });
    // A learner is not healthy in etcd's eyes, so its start is over only after this.
    await vi.waitFor(async () => etcd.cluster.memberPromote(id, PATIENT), { timeout: 60_000, interval: 200 });
    await using fourth = await starting;
    const promoted = (await etcd.cluster.memberList()).find((each) => each.id === id);
    expect(promoted).toMatchObject({ name: "fourth", clientUrls: [fourth.endpoint], isLearner: false });
    await expect(etcd.cluster.memberPromote(id, PATIENT)).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
    });

    const left = await etcd.cluster.memberRemove(id, PATIENT);
    expect(left).toHaveLength(3);
    expect(left.map((each) => each.id)).not.toContain(id);
    await expect(etcd.cluster.memberRemove(id, PATIENT)).rejects.toMatchObject({
      code: "NOT_FOUND",
      outcome: "notApplied",
    });
  });

  it("get new addresses for each other", async () => {
    const [member] = await etcd.cluster.memberList();
    if (member === undefined) throw new Error("no member");
    const peerUrls = [...member.peerUrls, await freePeerUrl()];
    const moved = await etcd.cluster.memberUpdate(member.id, { peerUrls, ...PATIENT });
    expect(moved.find(({ id }) => id === member.id)?.peerUrls).toEqual(peerUrls);
    const back = await etcd.cluster.memberUpdate(member.id, { peerUrls: member.peerUrls, ...PATIENT });
    expect(back.find(({ id }) => id === member.id)).toEqual(member);
    await expect(etcd.cluster.memberUpdate(123n, { peerUrls, ...PATIENT })).rejects.toMatchObject({
      code: "NOT_FOUND",
      outcome: "notApplied",
    });
  });

  it("refuse wrong input by name", async () => {
    await expect(etcd.cluster.memberAdd({ peerUrls: [] })).rejects.toThrow(/peerUrls .* an array of 0/);
    await expect(etcd.cluster.memberAdd({ peerUrls: ["no url"] })).rejects.toThrow(/peerUrls .*"no url"/);
    await expect(etcd.cluster.memberRemove(0n)).rejects.toThrow(/id must be a bigint .* received 0n/);
    await expect(etcd.cluster.memberRemove(2n ** 64n)).rejects.toThrow(/2n \*\* 64n - 1n/);
    await expect(etcd.cluster.memberRemove(1 as unknown as bigint)).rejects.toThrow(TypeError);
    const misspelt = { linearisable: false } as object;
    await expect(etcd.cluster.memberList(misspelt)).rejects.toThrow(/unknown option "linearisable"/);
  });

  // The last one: it leaves the cluster without a quorum.
  it("are listed without a quorum only where that is asked for", async () => {
    const [survivor, ...others] = cluster.members;
    if (survivor === undefined) throw new Error("no member");
    await Promise.all(others.map(async (member) => member.kill()));
    await using alone = new EtcdClient({ endpoints: survivor.endpoints });
    await expect
      .poll(async () => (await alone.maintenance.status()).leader, { timeout: 10_000 })
      .toBeUndefined();
    expect(await alone.cluster.memberList({ linearizable: false })).toHaveLength(3);
    await expect(alone.cluster.memberList({ timeoutMs: 1_000 })).rejects.toMatchObject({
      code: expect.stringMatching(/NO_LEADER|UNAVAILABLE|TIMEOUT/) as string,
    });
  });
});
