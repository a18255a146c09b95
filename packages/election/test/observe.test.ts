import { EtcdClient } from "@quorumkit/core";
import { Election } from "@quorumkit/election";
import { startEtcd } from "@quorumkit/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { queueUp, untilView, useEtcd } from "./support/harness.ts";

const harness = useEtcd();

function newElection(name: string): Election {
  const election = new Election(harness.etcd, name);
  onTestFinished(() => election.close());
  return election;
}

describe("observe", () => {
  it("tells of no leader, of the leader, of all candidates in order, and of no leader again", async () => {
    const name = harness.newName();
    const election = newElection(name);
    const views = election.observe()[Symbol.asyncIterator]();
    const empty = await untilView(views, () => true);
    expect([empty.leader, empty.candidates, empty.stale]).toEqual([undefined, [], false]);

    const first = await election.campaign("first");
    const elected = await untilView(views, ({ leader }) => leader !== undefined);
    expect(elected.leader?.text()).toBe("first");
    expect(elected.leader?.fencingToken).toBe(first.fencingToken);
    expect(elected.leader?.leaseId).toBe(first.leaseId);
    expect(elected.leader?.key).toBe(first.key);
    expect(elected.revision).toBeGreaterThanOrEqual(first.fencingToken);

    const second = await queueUp(election, "second");
    await queueUp(election, "third");
    const full = await untilView(views, ({ candidates }) => candidates.length === 3);
    expect(full.candidates.map((each) => each.text())).toEqual(["first", "second", "third"]);
    expect(full.leader).toBe(full.candidates[0]);

    await first.proclaim("first v2");
    const proclaimed = await untilView(views, ({ leader }) => leader?.text() !== "first");
    expect(proclaimed.candidates.map((each) => each.text())).toEqual(["first v2", "second", "third"]);

    await first.resign();
    const next = await untilView(views, ({ leader }) => leader?.text() === "second");
    expect(next.leader?.fencingToken).toBe((await second.elected).fencingToken);

    await election.close();
    expect(await views.next()).toEqual({ done: true, value: undefined });

    const observer = newElection(name).observe()[Symbol.asyncIterator]();
    expect((await untilView(observer, () => true)).leader).toBeUndefined();
    await observer.return?.();
  });

  it("gives a slow reader the newest state, and nothing in between", async () => {
    const name = harness.newName();
    const election = newElection(name);
    const views = election.observe()[Symbol.asyncIterator]();
    const controller = newElection(name).observe()[Symbol.asyncIterator]();
    await untilView(views, () => true);
    const leader = await election.campaign("0");
    for (let value = 1; value <= 50; value += 1) await leader.proclaim(String(value));
    // Another observer has seen the last one, so the first one's mirror is about to have it as well.
    await untilView(controller, (view) => view.leader?.text() === "50");
    let seen = 0;
    await untilView(views, (view) => {
      seen += 1;
      return view.leader?.text() === "50";
    });
    expect(seen).toBeLessThanOrEqual(2);
    await Promise.all([views.return?.(), controller.return?.()]);
  });

  it("ends with its signal and with a break, and leaves nothing open", async () => {
    const election = newElection(harness.newName());
    const stop = new AbortController();
    let views = 0;
    for await (const view of election.observe({ signal: stop.signal })) {
      expect(view.leader).toBeUndefined();
      views += 1;
      stop.abort();
    }
    for await (const view of election.observe()) {
      expect(view.leader).toBeUndefined();
      views += 1;
      break;
    }
    expect(views).toBe(2);
    for await (const view of election.observe({ signal: AbortSignal.abort() }))
      expect.unreachable(view.leader?.key);
  });

  it("says that it is stale while etcd is away, and goes on after compaction", async () => {
    await using server = await startEtcd();
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    await using election = new Election(etcd, "stale", { ttlSeconds: 60 });
    const leader = await election.campaign("leader");
    const views = election.observe()[Symbol.asyncIterator]();
    await untilView(views, (view) => view.leader !== undefined);
    await server.kill();
    const stale = await untilView(views, (view) => view.stale);
    expect(stale.leader?.key).toBe(leader.key);
    expect(stale.staleSince).toBeInstanceOf(Date);
    expect(stale.error?.code).toBe("UNAVAILABLE");

    await server.restart();
    const live = await untilView(views, (view) => !view.stale);
    expect(live.staleSince).toBeUndefined();
    const { revision } = await etcd.put("filler", "1", { timeoutMs: 15_000 });
    await server.kill();
    await server.restart();
    await server.etcdctl(["compact", String(revision)]);
    await leader.resign();
    const none = await untilView(views, (view) => !view.stale && view.leader === undefined);
    expect(none.candidates).toEqual([]);
    await views.return?.();
  });

  it("begins with an empty, stale view and the reason when etcd cannot be reached, and goes on when it can", async () => {
    await using server = await startEtcd();
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    await using election = new Election(etcd, "unreachable");
    await server.kill();
    const views = election.observe()[Symbol.asyncIterator]();
    const first = await untilView(views, () => true);
    expect(first).toMatchObject({ leader: undefined, candidates: [], revision: 0n, stale: true });
    expect(first.staleSince).toBeUndefined();
    expect(["UNAVAILABLE", "TIMEOUT"]).toContain(first.error?.code);
    await server.restart();
    const live = await untilView(views, ({ stale }) => !stale);
    expect(live.error).toBeUndefined();
    expect(live.revision).toBeGreaterThan(0n);
    await views.return?.();
  });

  it("says so when the user may not read the election", async () => {
    await using server = await startEtcd();
    await using root = new EtcdClient({ endpoints: server.endpoints });
    await root.auth.userAdd("root", { password: "root-password" });
    await root.auth.userGrantRole("root", "root");
    await root.auth.userAdd("guest", { password: "guest-password" });
    await root.auth.enable();
    await using guest = new EtcdClient({
      endpoints: server.endpoints,
      auth: { username: "guest", password: "guest-password" },
    });
    await using election = new Election(guest, "forbidden");
    const views = election.observe()[Symbol.asyncIterator]();
    const first = await untilView(views, () => true);
    expect(first).toMatchObject({ candidates: [], stale: true, error: { code: "PERMISSION_DENIED" } });
    await views.return?.();
  });

  it("throws CLOSED when the client is closed before etcd could be reached", async () => {
    await using server = await startEtcd();
    await server.kill();
    const client = new EtcdClient({ endpoints: server.endpoints });
    const views = new Election(client, "unreachable").observe()[Symbol.asyncIterator]();
    await untilView(views, () => true);
    const next = untilView(views, () => false);
    next.catch(() => {});
    await client.close();
    await expect(next).rejects.toMatchObject({ code: "CLOSED", cause: { code: expect.any(String) } });
  });

  it("throws CLOSED when the client is closed", async () => {
    const client = new EtcdClient({ endpoints: harness.server.endpoints });
    const views = new Election(client, harness.newName()).observe()[Symbol.asyncIterator]();
    await untilView(views, () => true);
    const next = untilView(views, () => false);
    next.catch(() => {});
    await client.close();
    await expect(next).rejects.toMatchObject({ code: "CLOSED" });
  });
});
