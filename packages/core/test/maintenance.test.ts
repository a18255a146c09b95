import { EtcdClient } from "@quorumkit/core";
import { startEtcd, startEtcdCluster, type EtcdCluster } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answerOf } from "./support/answer-of.ts";
import { isAtLeast } from "./support/server-version.ts";

describe("one chosen member", () => {
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

  it("tells its own status, again and again the same member", async () => {
    await etcd.put("status", "x");
    const members = await etcd.cluster.memberList();
    for (const member of members) {
      for (let again = 0; again < 3; again += 1) {
        const status = await etcd.maintenance.status({ endpoint: String(member.clientUrls[0]) });
        expect(status.memberId).toBe(member.id);
        expect(status.version).toBe(cluster.version);
        expect(status.isLeader).toBe(status.leader === member.id);
        expect(members.map(({ id }) => id)).toContain(status.leader);
        expect(status.dbSize).toBeGreaterThanOrEqual(status.dbSizeInUse);
        expect(status.isLearner).toBe(false);
        expect(status.downgradeTarget).toBeUndefined();
        expect(status.errors).toEqual([]);
        expect(status.dbSizeQuota !== undefined).toBe(isAtLeast(cluster, "3.6"));
      }
    }
  });

  it("has the same hash of keys as the others at one revision", async () => {
    const { revision } = await etcd.put("hash", "x");
    const hashes = await Promise.all(
      cluster.endpoints.map(async (endpoint) => {
        // A follower may not have the revision yet.
        await expect.poll(async () => (await etcd.maintenance.status({ endpoint })).revision).toBe(revision);
        return etcd.maintenance.hashKV({ endpoint, revision });
      }),
    );
    expect(new Set(hashes.map(({ memberId }) => memberId)).size).toBe(3);
    expect(new Set(hashes.map(({ hash }) => hash)).size).toBe(1);
    expect(hashes[0]?.hash).toBeGreaterThan(0);
    const [endpoint = ""] = cluster.endpoints;
    const earlier = await etcd.maintenance.hashKV({ endpoint, revision: revision - 1n });
    expect(earlier.hash).not.toBe(hashes[0]?.hash);
    const future = etcd.maintenance.hashKV({ endpoint, revision: revision + 1000n });
    await expect(future).rejects.toMatchObject({ code: "FUTURE_REVISION" });
    expect((await etcd.maintenance.hash({ endpoint })).hash).toBeGreaterThan(0);
  });

  it("is the one that leads from now on, whoever is asked", async () => {
    const before = await etcd.maintenance.status();
    const target = (await etcd.cluster.memberList()).find(({ id }) => id !== before.leader);
    if (target === undefined) throw new Error("everybody leads");
    await etcd.maintenance.moveLeader(target.id);
    const endpoint = String(target.clientUrls[0]);
    expect(await etcd.maintenance.status({ endpoint })).toMatchObject({ leader: target.id, isLeader: true });
    // To the one that leads already: nothing to do.
    await etcd.maintenance.moveLeader(target.id);

    await expect(etcd.maintenance.moveLeader(123n)).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
    const followers = cluster.endpoints.filter((each) => each !== endpoint);
    await using elsewhere = new EtcdClient({ endpoints: followers });
    await expect(elsewhere.maintenance.moveLeader(target.id)).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      outcome: "notApplied",
      message: expect.stringContaining("does not lead") as string,
    });
  });

  it("is not replaced by another one when it is down", async () => {
    const { leader } = await etcd.maintenance.status();
    const follower = (await etcd.cluster.memberList()).find(({ id }) => id !== leader);
    const member = cluster.members.find(({ name }) => name === follower?.name);
    if (member === undefined) throw new Error("no follower");
    const { endpoint } = member;
    await member.kill();
    await expect(etcd.maintenance.status({ endpoint, timeoutMs: 500 })).rejects.toMatchObject({
      code: "UNAVAILABLE",
    });
    await expect(etcd.maintenance.defragment({ endpoint, timeoutMs: 500 })).rejects.toMatchObject({
      code: "UNAVAILABLE",
      outcome: "notApplied",
    });
    await expect(
      etcd.maintenance.snapshot({ endpoint, timeoutMs: 500 })[Symbol.asyncIterator]().next(),
    ).rejects.toMatchObject({ code: "UNAVAILABLE" });
    // The others are asked where nobody in particular is.
    for (let again = 0; again < 5; again += 1) await etcd.maintenance.status();
    await member.restart();
    expect((await etcd.maintenance.status({ endpoint })).memberId).toBe(follower?.id);
  });

  it("must be one of the client's endpoints", async () => {
    const endpoint = "http://127.0.0.1:1";
    await expect(etcd.maintenance.status({ endpoint })).rejects.toThrow(
      /endpoint must be one of the client's \(http.*received "http:\/\/127.0.0.1:1"/,
    );
    expect(() => etcd.maintenance.snapshot({ endpoint })).toThrow(TypeError);
    await expect(etcd.maintenance.defragment({} as { endpoint: string })).rejects.toThrow(TypeError);
  });
});

describe("maintenance", () => {
  it("gives back the space of what was deleted", async () => {
    await using server = await startEtcd();
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const { endpoint } = server;
    for (let index = 0; index < 20; index += 1) await etcd.put(`big/${index}`, Buffer.alloc(256 * 1024));
    const { revision } = await etcd.delete({ prefix: "big/" });
    await etcd.compact(revision, { physical: true });
    await expect
      .poll(
        async () => {
          await etcd.put("next", "x"); // pages become free with the next commit
          return (await etcd.maintenance.status({ endpoint })).dbSizeInUse;
        },
        { timeout: 20_000 },
      )
      .toBeLessThan(1_000_000n);
    const before = await etcd.maintenance.status({ endpoint });
    expect(before.dbSize).toBeGreaterThan(4_000_000n);
    await etcd.maintenance.defragment({ endpoint });
    expect((await etcd.maintenance.status({ endpoint })).dbSize).toBeLessThan(1_000_000n);
  });

  it("tells up to where the keys it hashes are compacted, and nothing before they are", async () => {
    await using server = await startEtcd();
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const { revision } = await etcd.put("hashed", "x");
    expect((await etcd.maintenance.hashKV()).compactRevision).toBeUndefined();
    await etcd.compact(revision);
    await expect.poll(async () => (await etcd.maintenance.hashKV()).compactRevision).toBe(revision);
  });

  it("shows the alarm of a full database, and disarms it", async () => {
    await using server = await startEtcd({ args: ["--quota-backend-bytes=2097152"] });
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const { endpoint } = server;
    expect(await etcd.maintenance.alarms()).toEqual([]);
    const fill = async (): Promise<void> => {
      for (let index = 0; ; index += 1) await etcd.put(`full/${index}`, Buffer.alloc(256 * 1024));
    };
    await expect(fill()).rejects.toMatchObject({ code: "NO_SPACE", outcome: "notApplied" });

    const { memberId } = await etcd.maintenance.status();
    await expect.poll(async () => etcd.maintenance.alarms()).toEqual([{ memberId, type: "noSpace" }]);
    expect((await etcd.maintenance.status()).errors.join()).toMatch(/NOSPACE/);
    expect(await etcd.maintenance.disarm({ type: "corrupt" })).toEqual([]);
    expect(await etcd.maintenance.disarm({ memberId: memberId + 1n })).toEqual([]);
    expect(await etcd.maintenance.alarms()).toHaveLength(1);

    const { revision } = await etcd.delete({ prefix: "full/" });
    await etcd.compact(revision, { physical: true });
    await etcd.maintenance.defragment({ endpoint });
    expect(await etcd.maintenance.disarm()).toEqual([{ memberId, type: "noSpace" }]);
    expect(await etcd.maintenance.alarms()).toEqual([]);
    await etcd.put("full/not-any-more", "x");
    await expect(etcd.maintenance.disarm({ type: "NOSPACE" as "noSpace" })).rejects.toThrow(
      /noSpace, corrupt/,
    );
  });

  it("validates, begins and ends a downgrade, as far as the server can", async () => {
    await using server = await startEtcd();
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const { maintenance } = etcd;
    const [major = 3, minor = 5] = server.version.split(".").map(Number);
    const target = `${major}.${minor - 1}`;
    const nothing = "UNIMPLEMENTED";
    const expected = isAtLeast(server, "3.6")
      ? {
          valid: "ok",
          wrong: "INVALID_ARGUMENT",
          early: "ok",
          begun: "ok",
          target,
          twice: "FAILED_PRECONDITION",
        }
      : isAtLeast(server, "3.5")
        ? // It begins and ends a downgrade without ever answering.
          {
            valid: "ok",
            wrong: "INVALID_ARGUMENT",
            early: "FAILED_PRECONDITION",
            begun: "unknown",
            target: undefined,
            twice: "FAILED_PRECONDITION",
          }
        : {
            valid: nothing,
            wrong: nothing,
            early: nothing,
            begun: nothing,
            target: undefined,
            twice: nothing,
          };
    // The cluster's version is settled a moment after the start.
    await expect
      .poll(async () => answerOf(maintenance.downgradeValidate(target)), { timeout: 10_000 })
      .toBe(expected.valid);
    expect(await answerOf(maintenance.downgradeValidate("9.9"))).toBe(expected.wrong);
    expect(await answerOf(maintenance.downgradeCancel())).toBe(expected.early);
    const shortly = { timeoutMs: 1_500 };
    expect(await answerOf(maintenance.downgradeEnable(target, shortly))).toBe(expected.begun);
    const { downgradeTarget } = await maintenance.status();
    expect(downgradeTarget?.slice(0, target.length)).toBe(expected.target);
    expect(await answerOf(maintenance.downgradeEnable(target))).toBe(expected.twice);
    expect(await answerOf(maintenance.downgradeCancel(shortly))).toBe(expected.begun);
    expect((await maintenance.status()).downgradeTarget).toBeUndefined();
    expect(await answerOf(maintenance.downgradeValidate(target))).toBe(expected.valid);
    await expect(maintenance.downgradeValidate("next")).rejects.toThrow(/version must be like "3.5"/);
  });
});
