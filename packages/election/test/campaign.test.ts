import { EtcdClient, isEtcdError, op } from "@quorumkit/core";
import { Election } from "@quorumkit/election";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually, queueUp, reasonOf, useEtcd } from "./support/harness.ts";

const harness = useEtcd();
const { newName, keysOf } = harness;

function newElection(name: string, options?: ConstructorParameters<typeof Election>[2]): Election {
  const election = new Election(harness.etcd, name, options);
  onTestFinished(() => election.close());
  return election;
}

describe("campaign", () => {
  it("elects in the order of arrival, with growing tokens", async () => {
    const name = newName();
    const election = newElection(name);
    const first = await election.campaign("a");
    expect(first.isLeader).toBe(true);
    expect(first.value).toBe("a");
    expect(first.key).toBe(`${name}/${first.leaseId.toString(16)}`);
    const kv = await harness.etcd.get(first.key);
    expect([kv?.createRevision, kv?.text(), kv?.lease]).toEqual([first.fencingToken, "a", first.leaseId]);

    const second = await queueUp(election, "b");
    const third = await queueUp(election, "c");
    expect(second.predecessor).toBe(first.key);
    await first.resign();
    const secondTerm = await second.elected;
    expect(third.predecessor).toBe(secondTerm.key);
    await secondTerm.resign();
    const thirdTerm = await third.elected;
    expect([first.isLeader, secondTerm.isLeader, thirdTerm.isLeader]).toEqual([false, false, true]);
    expect(secondTerm.fencingToken).toBeGreaterThan(first.fencingToken);
    expect(thirdTerm.fencingToken).toBeGreaterThan(secondTerm.fencingToken);
    await thirdTerm.resign();
    await thirdTerm.resign();
    expect(await keysOf(name)).toEqual([]);
  });

  it("leaves no key and no lease when it is aborted, and keeps the reason", async () => {
    const name = newName();
    const leader = await newElection(name).campaign("leader");
    const leases = await harness.etcd.leases.list();
    const controller = new AbortController();
    const { elected } = await queueUp(newElection(name), "waiter", { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(elected).rejects.toMatchObject({ code: "ABORTED", cause: { message: "enough" } });
    expect(await keysOf(name)).toEqual([leader.key]);
    expect(await harness.etcd.leases.list()).toHaveLength(leases.length);
    await expect(newElection(name).campaign("late", { timeoutMs: 200 })).rejects.toMatchObject({
      code: "TIMEOUT",
    });
    expect(await keysOf(name)).toEqual([leader.key]);
  });

  it("is over at once when the signal has aborted before", async () => {
    const name = newName();
    const aborted = newElection(name).campaign("x", { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: "ABORTED" });
    expect(await keysOf(name)).toEqual([]);
  });

  it("hangs on the caller's session, which outlives the leadership", async () => {
    const name = newName();
    await using session = await harness.etcd.openSession();
    const election = newElection(name, { session });
    const leadership = await election.campaign("mine");
    expect(leadership.leaseId).toBe(session.leaseId);
    await expect(election.campaign("again")).rejects.toMatchObject({ code: "LOCK_HELD" });
    await leadership.resign();
    expect(session.alive).toBe(true);
    const again = await election.campaign("again");
    expect(again.key).toBe(leadership.key);
    await session.close();
    expect(await reasonOf(again.signal)).toMatchObject({ code: "CLOSED" });
    expect(again.isLeader).toBe(false);
    await expect(election.campaign("too late")).rejects.toMatchObject({ code: "CLOSED" });
  });
});

describe("a waiting candidate", () => {
  it("whose key is deleted queues again, at the end", async () => {
    const name = newName();
    const leader = await newElection(name).campaign("leader");
    const second = await queueUp(newElection(name), "second");
    const third = await queueUp(newElection(name), "third");
    const [, secondKey = "", thirdKey = ""] = await keysOf(name);
    expect(third.predecessor).toBe(secondKey);
    await harness.etcd.delete(secondKey);
    await eventually(() => second.waitedFor).toEqual([leader.key, thirdKey]);
    await leader.resign();
    const thirdTerm = await third.elected;
    await thirdTerm.resign();
    const secondTerm = await second.elected;
    expect(secondTerm.isLeader).toBe(true);
    expect(secondTerm.fencingToken).toBeGreaterThan(thirdTerm.fencingToken);
  });

  it("whose lease is revoked opens another session, and queues again", async () => {
    const name = newName();
    const leader = await newElection(name).campaign("leader");
    const second = await queueUp(newElection(name), "second");
    const [, secondKey = ""] = await keysOf(name);
    const lost = (await harness.etcd.get(secondKey))?.lease ?? 0n;
    await harness.etcd.leases.revoke(lost);
    await eventually(async () => (await keysOf(name)).length).toBe(2);
    await leader.resign();
    const term = await second.elected;
    expect(term.leaseId).not.toBe(lost);
    expect(await keysOf(name)).toEqual([term.key]);
  });

  it("is not elected when its predecessor in the middle goes", async () => {
    const name = newName();
    const leader = await newElection(name).campaign("leader");
    const controller = new AbortController();
    const second = await queueUp(newElection(name), "second", { signal: controller.signal });
    const third = await queueUp(newElection(name), "third");
    controller.abort();
    await expect(second.elected).rejects.toMatchObject({ code: "ABORTED" });
    await eventually(() => third.waitedFor.at(-1)).toBe(leader.key);
    expect(leader.isLeader).toBe(true);
    await leader.resign();
    expect((await third.elected).isLeader).toBe(true);
  });
});

describe("a leader", () => {
  it("whose key is deleted is told, and is a leader no more", async () => {
    const name = newName();
    const leader = await newElection(name).campaign("leader");
    const next = await queueUp(newElection(name), "next");
    await harness.etcd.delete(leader.key);
    expect(await reasonOf(leader.signal)).toMatchObject({ code: "KEY_DELETED" });
    expect([leader.isLeader, leader.remainingMs]).toEqual([false, 0]);
    expect((await next.elected).isLeader).toBe(true);
    await expect(leader.proclaim("still me")).rejects.toMatchObject({
      code: "NOT_OWNER",
      outcome: "notApplied",
    });
    await leader.resign();
    expect((await next.elected).isLeader).toBe(true);
  });

  it("whose key is deleted and made anew by somebody else is told as well", async () => {
    const name = newName();
    const leader = await newElection(name).campaign("leader");
    await harness.etcd.txn().then(op.delete(leader.key)).commit();
    await harness.etcd.put(leader.key, "an impostor");
    expect(await reasonOf(leader.signal)).toMatchObject({ code: "KEY_DELETED" });
    await leader.resign();
    expect(await harness.text(leader.key)).toBe("an impostor");
    await harness.etcd.delete(leader.key);
  });

  it("whose lease is revoked is told", async () => {
    const leader = await newElection(newName()).campaign("leader");
    await harness.etcd.leases.revoke(leader.leaseId);
    const reason = await reasonOf(leader.signal);
    expect(isEtcdError(reason, "KEY_DELETED", "LEASE_NOT_FOUND")).toBe(true);
    expect(leader.isLeader).toBe(false);
  });

  it("proclaims, and writes what etcd refuses to anybody who is not the leader", async () => {
    const name = newName();
    const election = newElection(name);
    const leader = await election.campaign("v1");
    await leader.proclaim("v2");
    expect(leader.value).toBe("v2");
    const seen = await election.leader();
    expect([seen?.text(), seen?.key, seen?.fencingToken, seen?.leaseId]).toEqual([
      "v2",
      leader.key,
      leader.fencingToken,
      leader.leaseId,
    ]);
    const written = await leader
      .txn()
      .then(op.put(`${name}-data`, "1"), op.get(leader.key))
      .commit();
    expect(written.results[1]?.text()).toBe("v2");

    await leader.resign();
    expect(await reasonOf(leader.signal)).toMatchObject({ code: "CLOSED" });
    const late = leader
      .txn()
      .then(op.put(`${name}-data`, "2"))
      .commit();
    await expect(late).rejects.toMatchObject({ code: "NOT_OWNER", outcome: "notApplied" });
    const guarded = await harness.etcd
      .txn()
      .if(leader.guard())
      .then(op.put(`${name}-data`, "3"))
      .else(op.get(leader.key))
      .commit();
    expect(guarded.succeeded).toBe(false);
    expect(await harness.text(`${name}-data`)).toBe("1");
    expect(await election.leader()).toBeUndefined();
  });
});

describe("close", () => {
  it("ends campaigns, resigns leaderships, and leaves no key and no lease", async () => {
    const name = newName();
    const leases = await harness.etcd.leases.list();
    const election = newElection(name);
    const leader = await election.campaign("leader");
    const waiter = await queueUp(election, "waiter");
    await Promise.all([election.close(), election.close()]);
    expect(leader.isLeader).toBe(false);
    await expect(waiter.elected).rejects.toMatchObject({ code: "CLOSED" });
    expect(await keysOf(name)).toEqual([]);
    expect(await harness.etcd.leases.list()).toHaveLength(leases.length);
    await expect(election.campaign("late")).rejects.toMatchObject({ code: "CLOSED" });
    await expect(election.leader()).rejects.toMatchObject({ code: "CLOSED" });
    await expect(election.run(() => {})).rejects.toMatchObject({ code: "CLOSED" });
    await expect(election.observe()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("of the client ends everything too", async () => {
    const name = newName();
    const client = new EtcdClient({ endpoints: harness.server.endpoints });
    const election = new Election(client, name);
    const leader = await election.campaign("leader");
    const waiter = await queueUp(election, "waiter");
    await client.close();
    expect(await reasonOf(leader.signal)).toMatchObject({ code: "CLOSED" });
    await expect(waiter.elected).rejects.toMatchObject({ code: "CLOSED" });
    expect(await keysOf(name)).toEqual([]);
    await election.close();
  });
});

describe("bad input", () => {
  it("is refused by name", async () => {
    const { etcd } = harness;
    expect(() => new Election(undefined as never, "a")).toThrow(
      /etcd must be an EtcdClient, received undefined/,
    );
    expect(() => new Election(etcd, "")).toThrow(/name must be a non-empty string/);
    expect(() => new Election(etcd, "a", { ttlSeconds: 1.5 })).toThrow(
      /ttlSeconds must be a whole number .* 1\.5/,
    );
    expect(() => new Election(etcd, "a", { ttl: 1 } as never)).toThrow(/unknown option "ttl"/);
    expect(() => new Election(etcd, "a", { session: 1 as never })).toThrow(
      /session must be a Session, received 1/,
    );
    await using session = await etcd.openSession();
    expect(() => new Election(etcd, "a", { session, ttlSeconds: 5 })).toThrow(
      /ttlSeconds has no effect with session/,
    );

    const name = newName();
    const election = newElection(name);
    await expect(election.campaign(5 as never)).rejects.toThrow(
      /value must be a string or a Uint8Array, received 5/,
    );
    await expect(election.campaign("a", { timeout: 5 } as never)).rejects.toThrow(/unknown option "timeout"/);
    await expect(election.campaign("a", { timeoutMs: 0 })).rejects.toThrow(/timeoutMs must be .* received 0/);
    await expect(election.campaign("a", { signal: {} as never })).rejects.toThrow(
      /signal must be an AbortSignal/,
    );
    await expect(election.run("x" as never)).rejects.toThrow(/fn must be a function, received "x"/);
    await expect(election.run(() => {}, { onError: 1 as never })).rejects.toThrow(
      /onError must be a function/,
    );
    expect(() => election.observe({ limit: 1 } as never)).toThrow(/unknown option "limit"/);
    expect(await keysOf(name)).toEqual([]);
  });
});
