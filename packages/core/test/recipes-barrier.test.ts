import { type DoubleBarrier, EtcdClient } from "@quorumkit/core";
import { EmbeddedEtcd } from "@quorumkit/testing";
import { describe, expect, it } from "vitest";
import { answerOf } from "./support/answer-of.ts";
import { expectPending, keysOf } from "./support/locking.ts";
import { sumOfMetric } from "./support/metrics.ts";
import { startOneEtcd } from "./support/one-etcd.ts";
import { startTcpProxy } from "./support/tcp-proxy.ts";

const { server, etcd, newName } = await startOneEtcd("recipes-barrier");

describe("a barrier", () => {
  it("holds everybody up until it is released, by whomever", async () => {
    const barrier = etcd.barrier(newName());
    await barrier.wait();
    await barrier.hold();
    expect(await etcd.get(barrier.name)).toMatchObject({ lease: 0n });
    expect(await answerOf(barrier.hold())).toBe("ALREADY_EXISTS");
    const waiting = [barrier.wait(), barrier.wait()];
    expect(await answerOf(barrier.wait({ timeoutMs: 50 }))).toBe("TIMEOUT");
    await expectPending(etcd, ...waiting);
    await etcd.barrier(barrier.name).release();
    await Promise.all(waiting);
    await barrier.release();
    await barrier.wait();
  });

  it("lets those go on who waited for a hold, although the next one follows at once", async () => {
    const barrier = etcd.barrier(newName());
    await using other = new EtcdClient({ endpoints: server.endpoints });
    await barrier.hold();
    const waiting = Array.from({ length: 10 }, async () => other.barrier(barrier.name).wait());
    await expect.poll(async () => sumOfMetric(server, "etcd_debugging_mvcc_watcher_total")).toBe(10);
    await barrier.release();
    await barrier.hold();
    await Promise.all(waiting);
    expect(await answerOf(barrier.wait({ timeoutMs: 50 }))).toBe("TIMEOUT");
  });

  it("is waited for without a gap, through cuts and compactions", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using client = new EtcdClient({ endpoints: proxy.endpoint });
    const barrier = etcd.barrier(newName());
    for (let round = 0; round < 10; round += 1) {
      await barrier.hold();
      const waiting = client.barrier(barrier.name).wait();
      if (round % 2 === 0) proxy.cut();
      await barrier.release();
      const { revision } = await etcd.put("other", "");
      if (round % 3 === 0) await etcd.compact(revision);
      expect(await answerOf(waiting)).toBe("ok");
    }
  });

  it("is released by a release whose answer is lost, and no later hold is", async () => {
    await using embedded = await EmbeddedEtcd.start({ quiet: true });
    await using client = new EtcdClient({ endpoints: embedded.endpoints });
    const barrier = client.barrier("b");
    await barrier.hold();
    embedded.failCall("Txn", { nth: 2, after: true, details: "transport is closing" });
    await barrier.release();
    await barrier.hold();
    expect(await answerOf(barrier.wait({ timeoutMs: 20 }))).toBe("TIMEOUT");
    await barrier.release();
    embedded.failCall("Txn", { after: true, details: "transport is closing" });
    expect(await answerOf(barrier.hold())).toBe("unknown");
  });

  it("is not released by a release that was meant for an earlier hold", async () => {
    await using embedded = await EmbeddedEtcd.start({ quiet: true });
    await using client = new EtcdClient({ endpoints: embedded.endpoints });
    const barrier = client.barrier("b");
    await barrier.hold();
    const held = embedded.hold("Txn");
    const releasing = barrier.release();
    await held.reached();
    await client.delete("b");
    await client.put("b", "");
    held.release();
    await releasing;
    expect(await client.get("b")).toBeDefined();
  });

  it("ends its waits by signal, and when the client or its namespace is closed", async () => {
    const client = new EtcdClient({ endpoints: server.endpoints });
    const inside = client.namespace("recipes-ns/");
    const barrier = inside.barrier(newName());
    await barrier.hold();
    expect(await etcd.get(`recipes-ns/${barrier.name}`)).toBeDefined();
    await client.barrier(barrier.name).wait();
    const ended = new AbortController();
    const aborted = answerOf(barrier.wait({ signal: ended.signal }));
    const closed = answerOf(barrier.wait());
    ended.abort();
    expect(await aborted).toBe("ABORTED");
    await inside.close();
    expect(await closed).toBe("CLOSED");
    await client.close();
  });

  it("refuses what is wrong", async () => {
    expect(() => etcd.barrier("")).toThrow(/name must be a non-empty string/);
    await expect(etcd.barrier("a").hold({ ttl: 1 } as object)).rejects.toThrow(/hold: unknown option "ttl"/);
    await expect(etcd.barrier("a").release({ timeoutMs: 0 })).rejects.toThrow(TypeError);
    await expect(etcd.barrier("a").wait({ timeoutMs: 0 })).rejects.toThrow(TypeError);
  });
});

describe("a double barrier", () => {
  function participants(count: number, name = newName()): DoubleBarrier[] {
    return Array.from({ length: count }, () => etcd.doubleBarrier(name, { count, ttlSeconds: 5 }));
  }
  async function waitersOf(name: string, count: number): Promise<string[]> {
    await expect.poll(async () => keysOf(etcd, `${name}/waiters`)).toHaveLength(count);
    return keysOf(etcd, `${name}/waiters`);
  }

  it("lets all begin when the last has come, and go when the last has left, round after round", async () => {
    const all = participants(4);
    const [last, ...others] = all as [DoubleBarrier, ...DoubleBarrier[]];
    const { name } = last;
    for (let round = 0; round < 3; round += 1) {
      const entering = others.map(async (each) => each.enter());
      const keys = await waitersOf(name, 3);
      for (const each of keys) expect(each).toMatch(/\/waiters\/\d{19}$/);
      await expectPending(etcd, ...entering);
      await last.enter();
      await Promise.all(entering);
      expect(await etcd.get(`${name}/ready`)).toMatchObject({ lease: 0n });
      for (const each of all) expect(each.session?.alive).toBe(true);
      const leaving = others.map(async (each) => each.leave());
      await expect.poll(async () => (await keysOf(etcd, `${name}/waiters`)).length).toBeLessThan(4);
      await expectPending(etcd, ...leaving);
      await last.leave();
      await Promise.all(leaving);
      expect(await keysOf(etcd, name)).toEqual([]);
      for (const each of all) expect(each.session).toBeUndefined();
    }
    expect(await etcd.leases.list()).toEqual([]);
  });

  it("lets exactly as many in as it counts, of more who try at once", async () => {
    const name = newName();
    const all = Array.from({ length: 8 }, () => etcd.doubleBarrier(name, { count: 3 }));
    const answers = await Promise.all(all.map(async (each) => answerOf(each.enter())));
    expect(answers.filter((each) => each === "ok")).toHaveLength(3);
    expect(answers.filter((each) => each === "FAILED_PRECONDITION")).toHaveLength(5);
    await waitersOf(name, 3);
    await Promise.all(all.filter((_, index) => answers[index] === "ok").map(async (each) => each.leave()));
    expect(await keysOf(etcd, name)).toEqual([]);
  });

  it("does not wait for who died, before the beginning or at the end", async () => {
    const name = newName();
    const [a, b, c, d] = [1, 2, 3, 4].map(() => etcd.doubleBarrier(name, { count: 3 })) as [
      DoubleBarrier,
      DoubleBarrier,
      DoubleBarrier,
      DoubleBarrier,
    ];
    const dead = answerOf(a.enter());
    const [key] = await waitersOf(name, 1);
    await etcd.leases.revoke((await etcd.get(key as string))?.lease as bigint);
    expect(["KEY_DELETED", "LEASE_NOT_FOUND"]).toContain(await dead);
    const entering = [b.enter(), c.enter()];
    await waitersOf(name, 2);
    await expectPending(etcd, ...entering);
    await Promise.all([...entering, d.enter()]);
    const leaving = [b.leave(), c.leave()];
    await expectPending(etcd, ...leaving);
    await etcd.leases.revoke(d.session?.leaseId as bigint);
    await Promise.all(leaving);
    expect(await keysOf(etcd, name)).toEqual([]);
    // Whoever was lost can still find out that the others have gone.
    await d.leave();
  });

  it("is not opened by what a round that died has left", async () => {
    const [a, b] = participants(2) as [DoubleBarrier, DoubleBarrier];
    await etcd.put(`${a.name}/ready`, "");
    const entering = a.enter();
    await waitersOf(a.name, 1);
    await expectPending(etcd, entering);
    expect(await answerOf(etcd.doubleBarrier(a.name, { count: 3 }).enter({ timeoutMs: 200 }))).toBe(
      "TIMEOUT",
    );
    await expectPending(etcd, entering);
    await Promise.all([entering, b.enter()]);
    await Promise.all([a.leave(), b.leave()]);
  });

  it("is left without waiting for who came for the next round", async () => {
    const [a, b] = participants(2) as [DoubleBarrier, DoubleBarrier];
    await Promise.all([a.enter(), b.enter()]);
    await etcd.put(`${a.name}/waiters/9999999999999999999`, "");
    await Promise.all([a.leave(), b.leave()]);
    expect(await keysOf(etcd, `${a.name}/waiters`)).toEqual([`${a.name}/waiters/9999999999999999999`]);
  });

  it("gives up by time and signal, leaving no key, and may be tried again", async () => {
    const [a, b] = participants(2) as [DoubleBarrier, DoubleBarrier];
    expect(await answerOf(a.enter({ timeoutMs: 100 }))).toBe("TIMEOUT");
    const ended = new AbortController();
    const aborted = answerOf(a.enter({ signal: ended.signal }));
    await waitersOf(a.name, 1);
    ended.abort();
    expect(await aborted).toBe("ABORTED");
    expect(await keysOf(etcd, a.name)).toEqual([]);
    await Promise.all([a.enter(), b.enter()]);
    expect(await answerOf(a.leave({ timeoutMs: 100 }))).toBe("TIMEOUT");
    await Promise.all([a.leave(), b.leave()]);
    expect(await keysOf(etcd, a.name)).toEqual([]);
  });

  it("with a session of the caller leaves that alone, and its own key only is deleted", async () => {
    await using session = await etcd.openSession();
    const name = newName();
    const both = [1, 2].map(() => etcd.doubleBarrier(name, { count: 2, session }));
    await Promise.all(both.map(async (each) => each.enter()));
    await Promise.all(both.map(async (each) => each.leave()));
    expect(session.alive).toBe(true);
    expect(await answerOf(both[0]?.enter({ timeoutMs: 50 }) as Promise<void>)).toBe("TIMEOUT");
    expect(await keysOf(etcd, name)).toEqual([]);
    expect(session.alive).toBe(true);
  });

  it("is entered and left, however many answers are lost", async () => {
    await using embedded = await EmbeddedEtcd.start({ quiet: true });
    await using client = new EtcdClient({ endpoints: embedded.endpoints });
    for (let nth = 1; nth <= 12; nth += 1) {
      const [a, b] = [1, 2].map(() => client.doubleBarrier("d", { count: 2 })) as [
        DoubleBarrier,
        DoubleBarrier,
      ];
      const failing = embedded.failCall("Txn", { nth, after: true, details: "transport is closing" });
      await Promise.all([a.enter(), b.enter()]);
      await Promise.all([a.leave(), b.leave()]);
      failing.remove();
      expect(await keysOf(client, "d")).toEqual([]);
    }
  });

  it("ends with its client: waits end, and no key is left", async () => {
    const client = new EtcdClient({ endpoints: server.endpoints });
    const name = newName();
    const entering = answerOf(client.doubleBarrier(name, { count: 2 }).enter());
    const [a] = participants(2);
    const inside = [client, etcd].map((each) => each.doubleBarrier(a?.name as string, { count: 2 }));
    await Promise.all(inside.map(async (each) => each.enter()));
    const leaving = answerOf(inside[0]?.leave() as Promise<void>);
    await waitersOf(name, 1);
    await client.close();
    expect(await entering).toBe("CLOSED");
    expect(await leaving).toBe("CLOSED");
    expect(await keysOf(etcd, name)).toEqual([]);
    await inside[1]?.leave();
  });

  it("keeps to its namespace", async () => {
    const name = newName();
    const inside = etcd.namespace("recipes-ns/");
    const both = [1, 2].map(() => inside.doubleBarrier(name, { count: 2 }));
    await Promise.all(both.map(async (each) => each.enter()));
    expect(await keysOf(etcd, `recipes-ns/${name}`)).toHaveLength(3);
    await Promise.all(both.map(async (each) => each.leave()));
    expect(await keysOf(etcd, `recipes-ns/${name}`)).toEqual([]);
  });

  it("refuses what is wrong", async () => {
    expect(() => etcd.doubleBarrier("", { count: 1 })).toThrow(/name must be a non-empty string/);
    for (const count of [0, 1.5, undefined as unknown as number]) {
      expect(() => etcd.doubleBarrier("a", { count })).toThrow(/count must be a whole number at least 1/);
    }
    expect(() => etcd.doubleBarrier("a", { count: 1, ttl: 1 } as { count: number })).toThrow(
      /doubleBarrier: unknown option "ttl"/,
    );
    const alone = etcd.doubleBarrier(newName(), { count: 1 });
    expect(await answerOf(alone.leave())).toBe("FAILED_PRECONDITION");
    await alone.enter();
    expect(await answerOf(alone.enter())).toBe("FAILED_PRECONDITION");
    await expect(alone.leave({ now: true } as object)).rejects.toThrow(/leave: unknown option "now"/);
    await alone.leave();
  });
});
