import type { EtcdClient } from "@quorumkit/core";
import { FairQueue, type QueueClient } from "@quorumkit/core/internal";
import { describe, expect, it } from "vitest";
import { startOneEtcd } from "./support/one-etcd.ts";

/** For a busy machine. */
const PATIENT = { timeout: 15_000 };

const { server, etcd, newName } = await startOneEtcd("queue-test");

/** Counts what a queue asks of its client. */
function counting(client: EtcdClient): QueueClient & { txns: number; watches: number } {
  return {
    txns: 0,
    watches: 0,
    txn() {
      this.txns += 1;
      return client.txn();
    },
    watch(range, options) {
      this.watches += 1;
      return client.watch(range, options);
    },
  };
}

describe("keys", () => {
  it("are the name as it is, a slash, and the lease in hex", async () => {
    await using session = await etcd.openSession();
    const queue = new FairQueue(etcd, "/odd//name/");
    const ticket = await queue.enter(session, "me");
    expect(ticket.key).toBe(`/odd//name//${session.leaseId.toString(16)}`);
    const kv = await etcd.get(ticket.key);
    expect(kv?.text()).toBe("me");
    expect(kv?.lease).toBe(session.leaseId);
    expect(ticket.createRevision).toBe(kv?.createRevision);
    await queue.leave(ticket);
    expect(await etcd.get(ticket.key)).toBeUndefined();
  });

  it("refuses an empty name", () => {
    expect(() => new FairQueue(etcd, "")).toThrow(TypeError);
    expect(() => new FairQueue(etcd, 7 as never)).toThrow(/name must be a non-empty string, received 7/);
  });
});

describe("lost answers", () => {
  it("of enter: the second sending finds the key, and gives it the newest value", async () => {
    const name = newName();
    await using session = await etcd.openSession();
    const { revision } = await etcd.put(`${name}/${session.leaseId.toString(16)}`, "old", {
      lease: session.lease,
    });
    const queue = new FairQueue(etcd, name);
    const ticket = await queue.enter(session, "new");
    expect(ticket.createRevision).toBe(revision);
    expect(ticket.first).toBe(true);
    expect((await etcd.get(ticket.key))?.text()).toBe("new");
    await queue.leave(ticket);
  });

  it("of tryEnter: the second sending finds that we are first", async () => {
    const name = newName();
    await using session = await etcd.openSession();
    const { revision } = await etcd.put(`${name}/${session.leaseId.toString(16)}`, "", {
      lease: session.lease,
    });
    const entered = await new FairQueue(etcd, name).tryEnter(session, "");
    if ("holder" in entered) throw new Error(`held by ${entered.holder?.key}`);
    expect(entered.fencingToken).toBe(revision);
    await entered.release();
  });

  it("of leave and release: sent again, they never delete a newer key", async () => {
    const name = newName();
    await using session = await etcd.openSession();
    const queue = new FairQueue(etcd, name);
    const old = await queue.enter(session, "");
    await queue.leave(old);
    const ownership = await queue.waitForTurn(await queue.enter(session, ""));
    await queue.leave(old);
    expect((await etcd.get(ownership.key))?.createRevision).toBe(ownership.fencingToken);
    await ownership.release();
    await ownership.release();
    expect(await etcd.get(ownership.key)).toBeUndefined();
  });
});

describe("waiting", () => {
  it("a free place needs one round trip", async () => {
    await using session = await etcd.openSession();
    const client = counting(etcd);
    const queue = new FairQueue(client, newName());
    const ownership = await queue.waitForTurn(await queue.enter(session, ""));
    expect(client.txns).toBe(1);
    await ownership.release();
  });

  it("a handover wakes one waiter, and no other", async () => {
    const name = newName();
    const waiters = 10;
    const served: number[] = [];
    const clients = Array.from({ length: waiters }, () => counting(etcd));
    await using holder = await etcd.openSession();
    const queue = new FairQueue(etcd, name);
    const first = await queue.waitForTurn(await queue.enter(holder, ""));
    const turns: Promise<void>[] = [];
    for (const [index, client] of clients.entries()) {
      const session = await etcd.openSession();
      const own = new FairQueue(client, name);
      const ticket = await own.enter(session, "");
      let waiting!: () => void;
      const queued = new Promise<void>((resolve) => (waiting = resolve));
      const turn = async (): Promise<void> => {
        const ownership = await own.waitForTurn(ticket, { onWaiting: waiting });
        served.push(index);
        await session.close();
        await ownership.release();
      };
      turns.push(turn());
      await queued;
    }
    const before = clients.map(({ txns }) => txns);
    await first.release();
    await Promise.all(turns);
    expect(served).toEqual([...clients.keys()]);
    // Each of them asked once more, when its own predecessor had gone.
    expect(clients.map(({ txns }, index) => txns - (before[index] ?? 0))).toEqual(clients.map(() => 1));
    // One watch for the own key, one for the predecessor.
    expect(clients.map(({ watches }) => watches)).toEqual(clients.map(() => 2));
  });

  it("elects nobody whose key has gone, even when nobody has told", async () => {
    const name = newName();
    await using a = await etcd.openSession();
    await using b = await etcd.openSession();
    await using c = await etcd.openSession();
    const holder = await new FairQueue(etcd, name).tryEnter(a, "");
    if ("holder" in holder) throw new Error(`held by ${holder.holder?.key}`);
    const ownKey = `${name}/${b.leaseId.toString(16)}`;
    const deaf: QueueClient = {
      txn: () => etcd.txn(),
      watch: (range, options) => etcd.watch(range === ownKey ? "never-written" : range, options),
    };
    const queue = new FairQueue(deaf, name);
    const ticket = await queue.enter(b, "");
    const behind = await new FairQueue(etcd, name).enter(c, "");
    let asked = 0;
    const turn = queue.waitForTurn(ticket, { onWaiting: () => (asked += 1) });
    turn.catch(() => {});
    await expect.poll(() => asked, PATIENT).toBe(1);
    await etcd.delete(ownKey);
    await holder.release();
    await expect(turn).rejects.toMatchObject({ code: "KEY_DELETED" });
    const next = await new FairQueue(etcd, name).waitForTurn(behind);
    expect(next.held).toBe(true);
    await next.release();
  });

  it("goes on when history is compacted under it, and so does the watch of the own key", async () => {
    const { revision } = await etcd.put("queue-test-filler", "1");
    await server.etcdctl(["compact", String(revision)]);
    let refused = 0;
    // Each watch begins once at a revision that is gone, as after a long interruption.
    const tried = new Set<unknown>();
    const client: QueueClient = {
      txn: () => etcd.txn(),
      watch(range, options) {
        const again = tried.has(range);
        tried.add(range);
        refused += again ? 0 : 1;
        return etcd.watch(range, again ? options : { ...options, startRevision: 1n });
      },
    };
    const name = newName();
    const queue = new FairQueue(client, name);
    await using a = await etcd.openSession();
    await using b = await etcd.openSession();
    const holder = await new FairQueue(etcd, name).tryEnter(a, "");
    if ("holder" in holder) throw new Error(`held by ${holder.holder?.key}`);
    const ticket = await queue.enter(b, "");
    let asked = 0;
    const turn = queue.waitForTurn(ticket, { onWaiting: () => (asked += 1) });
    turn.catch(() => {});
    await expect.poll(() => asked, PATIENT).toBe(1);
    await holder.release();
    const ownership = await turn;
    expect(ownership.fencingToken).toBe(ticket.createRevision);
    expect(refused).toBe(2);
    await etcd.delete(ownership.key);
    await expect.poll(() => ownership.signal.aborted, PATIENT).toBe(true);
    expect(ownership.signal.reason).toMatchObject({ code: "KEY_DELETED" });
  });
});
