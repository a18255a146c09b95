import { EtcdClient, type HeldLock, isEtcdError, op, type Semaphore } from "@quorumkit/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LockClient } from "../src/lock/lock.ts";
import { Semaphore as OwnSemaphore } from "../src/semaphore/semaphore.ts";
import { commands, expectAsModelled } from "./support/lock-model.ts";
import { codeOf, expectPending, keysOf, queueUp } from "./support/locking.ts";
import { startOneEtcd } from "./support/one-etcd.ts";
import { startTcpProxy } from "./support/tcp-proxy.ts";

const { server, etcd, newName } = await startOneEtcd("semaphore-test");

function newSemaphore(permits: number): Semaphore {
  return etcd.semaphore(newName(), { permits });
}
async function acquireAll(semaphore: Semaphore, count: number): Promise<HeldLock[]> {
  const held: HeldLock[] = [];
  for (let index = 0; index < count; index += 1) held.push(await semaphore.acquire());
  return held;
}

describe("who gets in", () => {
  it("as many as there are permits, then the next in the order of arrival", async () => {
    const semaphore = newSemaphore(2);
    expect(semaphore.permits).toBe(2);
    const [a, b] = (await acquireAll(semaphore, 2)) as [HeldLock, HeldLock];
    expect(a.key).toBe(`${semaphore.name}/held/${a.leaseId.toString(16)}`);
    expect((await etcd.get(a.key))?.createRevision).toBe(a.fencingToken);
    const third = await queueUp(semaphore);
    const fourth = await queueUp(semaphore);
    expect(third.predecessor).toBe(a.key);
    await b.release();
    const c = await third.acquired;
    await expectPending(etcd, fourth.acquired);
    await a.release();
    const d = await fourth.acquired;
    expect([a.held, b.held, c.held, d.held]).toEqual([false, false, true, true]);
    expect(b.fencingToken).toBeGreaterThan(a.fencingToken);
    expect(c.fencingToken).toBeGreaterThan(b.fencingToken);
    expect(d.fencingToken).toBeGreaterThan(c.fencingToken);
    expect(await keysOf(etcd, semaphore.name)).toEqual([c.key, d.key]);
    await c.release();
    await d.release();
    expect(await keysOf(etcd, semaphore.name)).toEqual([]);
  });

  it("nobody who does not want to wait while others do, although a permit is free", async () => {
    const semaphore = newSemaphore(1);
    const holder = await semaphore.acquire();
    const waiter = await queueUp(semaphore);
    const [, queued] = await keysOf(etcd, semaphore.name);
    expect(queued).toContain(`${semaphore.name}/queue/`);
    expect(await semaphore.tryAcquire()).toBeUndefined();
    await holder.release();
    await (await waiter.acquired).release();
    // A waiter that has not noticed yet that it could get in.
    await etcd.put(`${semaphore.name}/queue/somebody`, "");
    expect(await semaphore.tryAcquire()).toBeUndefined();
    await etcd.delete(`${semaphore.name}/queue/somebody`);
    const now = await semaphore.tryAcquire();
    expect(now?.held).toBe(true);
    await now?.release();
  });

  it("of many who try at once, exactly as many as there are permits", async () => {
    const semaphore = newSemaphore(3);
    const tries = await Promise.all(Array.from({ length: 20 }, async () => semaphore.tryAcquire()));
    const held = tries.filter((each) => each !== undefined);
    expect(held).toHaveLength(3);
    expect(await keysOf(etcd, semaphore.name)).toHaveLength(3);
    for (const each of held) await each.release();
  });

  it("as the model says, whatever is done", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3 }), commands, async (permits, steps) => {
        const name = newName();
        await expectAsModelled(
          etcd,
          {
            name,
            locks: (session) => [etcd.semaphore(name, { permits, session })],
            admit: (places) => {
              for (const place of places) {
                place.held ||= places.filter(({ held }) => held).length < permits;
              }
            },
            free: (_, places) => places.every(({ held }) => held) && places.length < permits,
          },
          steps,
        );
      }),
      { numRuns: 25, endOnFailure: true },
    );
  });

  it("never more than there are permits, at any revision, while holders are killed at random", async () => {
    const permits = 3;
    const semaphore = newSemaphore(permits);
    const { revision } = await etcd.range("none");
    let done = 0;
    let lost = 0;
    const worker = async (seed: number): Promise<void> => {
      for (let round = 0; round < 6; round += 1) {
        const held = seed % 3 === 0 ? await semaphore.tryAcquire() : await semaphore.acquire();
        if (held === undefined) continue;
        if ((seed + round) % 4 === 0) {
          // As a crash does it, and while others are just taking and giving back.
          await etcd.leases.revoke(held.leaseId);
          await codeOf(held.signal);
          lost += 1;
        } else {
          await etcd.put(`${semaphore.name}-work`, String(seed));
          done += 1;
        }
        await held.release();
      }
    };
    await Promise.all(Array.from({ length: 15 }, async (_, seed) => worker(seed)));
    expect(done).toBeGreaterThan(20);
    expect(lost).toBeGreaterThan(10);
    expect(await keysOf(etcd, semaphore.name)).toEqual([]);

    const last = (await etcd.put(`${semaphore.name}/held/~end`, "")).revision;
    const now = new Set<string>();
    let most = 0;
    for await (const batch of etcd.watch(
      { prefix: `${semaphore.name}/held/` },
      { startRevision: revision + 1n },
    )) {
      for (const { type, key, kv } of batch.events) {
        if (kv.modRevision === last) continue;
        if (type === "put") now.add(key);
        else now.delete(key);
        most = Math.max(most, now.size);
      }
      if (batch.revision >= last) break;
    }
    expect(most).toBe(permits);
  });
});

describe("the number of permits", () => {
  it("is one for all who hold: another is refused, until nobody holds a permit", async () => {
    const name = newName();
    const two = etcd.semaphore(name, { permits: 2 });
    const three = etcd.semaphore(name, { permits: 3 });
    const held = await two.acquire();
    const refused = { code: "FAILED_PRECONDITION", outcome: "notApplied" };
    await expect(three.tryAcquire()).rejects.toMatchObject(refused);
    await expect(three.acquire()).rejects.toThrow(/counts 2 permits, not 3/);
    expect(await keysOf(etcd, name)).toEqual([held.key]);
    await held.release();
    const [a, b, c] = await acquireAll(three, 3);
    await expect(two.acquire()).rejects.toMatchObject(refused);
    for (const each of [a, b, c]) await each?.release();
  });

  it("is found out by one that waits already, and it leaves the queue to the next", async () => {
    const name = newName();
    const one = etcd.semaphore(name, { permits: 1 });
    const two = etcd.semaphore(name, { permits: 2 });
    await etcd.put(`${name}/queue/somebody`, "");
    const wrong = await queueUp(two);
    const right = await queueUp(one);
    await etcd.put(`${name}/held/somebody`, "1");
    await etcd.delete(`${name}/queue/somebody`);
    await expect(wrong.acquired).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
    await etcd.delete(`${name}/held/somebody`);
    const held = await right.acquired;
    expect(await keysOf(etcd, name)).toEqual([held.key]);
    await held.release();
  });
});

describe("what it costs", () => {
  it("a permit that comes back wakes the first who waits, and only then the second, and nobody else", async () => {
    const name = newName();
    const holders = await acquireAll(etcd.semaphore(name, { permits: 2 }), 2);
    const waiters: { asked: { count: number }; acquired: Promise<HeldLock>; before: number }[] = [];
    for (let index = 0; index < 6; index += 1) {
      const asked = { count: 0 };
      const client = {
        txn: () => {
          asked.count += 1;
          return etcd.txn();
        },
        watch: etcd.watch.bind(etcd),
        openSession: etcd.openSession.bind(etcd),
      };
      const { acquired } = await queueUp(new OwnSemaphore(client, name, { permits: 2 }));
      waiters.push({ asked, acquired, before: asked.count });
    }
    await holders[0]?.release();
    const next = await waiters[0]?.acquired;
    // The second comes to the front of the queue, and finds that there is no permit for it.
    await expect.poll(() => Number(waiters[1]?.asked.count) - Number(waiters[1]?.before)).toBe(2);
    expect(waiters.slice(2).map(({ asked, before }) => asked.count - before)).toEqual([0, 0, 0, 0]);
    await holders[1]?.release();
    await next?.release();
    for (const { acquired } of waiters.slice(1)) await (await acquired).release();
    expect(await keysOf(etcd, name)).toEqual([]);
  });

  it("a free semaphore: one transaction; one with a holder and a free permit: two", async () => {
    let asked = 0;
    const client = {
      txn: () => {
        asked += 1;
        return etcd.txn();
      },
      watch: etcd.watch.bind(etcd),
      openSession: etcd.openSession.bind(etcd),
    };
    const semaphore = new OwnSemaphore(client, newName(), { permits: 2 });
    const first = await semaphore.acquire();
    expect(asked).toBe(1);
    const second = await semaphore.acquire();
    expect(asked).toBe(3);
    await first.release();
    await second.release();
  });
});

describe("what is left behind", () => {
  it("by tryAcquire: no key and no lease, not even for a moment", async () => {
    const semaphore = newSemaphore(1);
    await using held = await semaphore.acquire();
    const leases = await etcd.leases.list();
    const { revision } = await etcd.range("none");
    expect(await semaphore.tryAcquire()).toBeUndefined();
    expect((await etcd.range("none")).revision).toBe(revision);
    expect(await keysOf(etcd, semaphore.name)).toEqual([held.key]);
    expect(await etcd.leases.list()).toHaveLength(leases.length);
  });

  it("by waiters that give up: nothing, whether first or further behind", async () => {
    await using session = await etcd.openSession();
    const name = newName();
    await using held = await etcd.semaphore(name, { permits: 1 }).acquire();
    const mine = etcd.semaphore(name, { permits: 1, session });
    const others = etcd.semaphore(name, { permits: 1 });
    const [first, second] = [new AbortController(), new AbortController()];
    const waits = [
      await queueUp(mine, { signal: first.signal }),
      await queueUp(others, { signal: second.signal }),
    ];
    second.abort();
    await expect(waits[1]?.acquired).rejects.toMatchObject({ code: "ABORTED" });
    first.abort(new Error("changed my mind"));
    await expect(waits[0]?.acquired).rejects.toMatchObject({
      code: "ABORTED",
      cause: { message: "changed my mind" },
    });
    expect(await keysOf(etcd, name)).toEqual([held.key]);
    expect(session.alive).toBe(true);
    await expect(mine.acquire({ timeoutMs: 50 })).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(await keysOf(etcd, name)).toEqual([held.key]);
  });

  it("by using(): nothing, however it ends", async () => {
    const semaphore = newSemaphore(1);
    expect(await semaphore.using(({ held }) => held)).toBe(true);
    const broken = new Error("broken");
    const failing = semaphore.using(() => {
      throw broken;
    });
    await expect(failing).rejects.toBe(broken);
    expect(await keysOf(etcd, semaphore.name)).toEqual([]);
  });
});

describe("loss", () => {
  it("of a holder's lease or key frees its permit, and is told", async () => {
    const semaphore = newSemaphore(2);
    const [a, b] = (await acquireAll(semaphore, 2)) as [HeldLock, HeldLock];
    const third = await queueUp(semaphore);
    const fourth = await queueUp(semaphore);
    await etcd.leases.revoke(a.leaseId);
    expect(await codeOf(a.signal)).toMatch(/LEASE_NOT_FOUND|KEY_DELETED/);
    const c = await third.acquired;
    await etcd.delete(b.key);
    expect(await codeOf(b.signal)).toBe("KEY_DELETED");
    const d = await fourth.acquired;
    expect(await keysOf(etcd, semaphore.name)).toEqual([c.key, d.key]);
    await c.release();
    await d.release();
  });

  it("of a waiter's key or lease ends its wait, and the next one moves up", async () => {
    const semaphore = newSemaphore(1);
    const holder = await semaphore.acquire();
    const waits = [await queueUp(semaphore), await queueUp(semaphore), await queueUp(semaphore)] as const;
    const [, first, second] = await keysOf(etcd, semaphore.name);
    await etcd.delete(first as string);
    await expect(waits[0].acquired).rejects.toMatchObject({ code: "KEY_DELETED" });
    const lease = (await etcd.get(second as string))?.lease;
    await etcd.leases.revoke(lease as bigint);
    await expect(waits[1].acquired).rejects.toThrow(/LEASE_NOT_FOUND|KEY_DELETED/);
    await expectPending(etcd, waits[2].acquired);
    await holder.release();
    const held = await waits[2].acquired;
    expect(await keysOf(etcd, semaphore.name)).toEqual([held.key]);
    await held.release();
  });

  it("of a place in the queue is no way to a permit, even when nobody has told", async () => {
    const name = newName();
    const holder = await etcd.semaphore(name, { permits: 1 }).acquire();
    let queued = "";
    const deaf: LockClient = {
      txn: () => etcd.txn(),
      watch: (range, options) => {
        const own = typeof range === "string" && range.startsWith(`${name}/queue/`);
        if (own) queued = range;
        return etcd.watch(own ? "never-written" : range, options);
      },
      openSession: async (options) => etcd.openSession(options),
    };
    const { acquired } = await queueUp(new OwnSemaphore(deaf, name, { permits: 1 }));
    acquired.catch(() => {});
    await etcd.delete(queued);
    await holder.release();
    await expect(acquired).rejects.toMatchObject({ code: "KEY_DELETED" });
    expect(await keysOf(etcd, name)).toEqual([]);
  });

  it("makes guarded transactions fail, also before anybody has told", async () => {
    const semaphore = newSemaphore(1);
    const held = await semaphore.acquire();
    const target = `${semaphore.name}-target`;
    await held.txn().then(op.put(target, "1")).commit();
    const late = held.txn().then(op.put(target, "2"));
    await etcd.delete(held.key);
    await expect(late.commit()).rejects.toMatchObject({ code: "NOT_OWNER", outcome: "notApplied" });
    expect((await etcd.get(target))?.text()).toBe("1");
    await held.release();
  });
});

describe("one session", () => {
  it("has one permit or place, and can have another one later", async () => {
    await using session = await etcd.openSession();
    const semaphore = etcd.semaphore(newName(), { permits: 2, session });
    const held = await semaphore.acquire();
    await expect(semaphore.acquire()).rejects.toMatchObject({ code: "LOCK_HELD", outcome: "notApplied" });
    await expect(semaphore.tryAcquire()).rejects.toMatchObject({ code: "LOCK_HELD" });
    await held.release();
    await (await semaphore.acquire()).release();
    await (await semaphore.tryAcquire())?.release();
    expect(session.alive).toBe(true);

    const other = await etcd.semaphore(semaphore.name, { permits: 2 }).acquire();
    const another = await etcd.semaphore(semaphore.name, { permits: 2 }).acquire();
    expect(await semaphore.tryAcquire()).toBeUndefined();
    expect(await semaphore.tryAcquire()).toBeUndefined();
    await other.release();
    await another.release();
    await (await semaphore.acquire()).release();
  });

  it("leaves no permit behind that nobody knows of", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using lossy = new EtcdClient({ endpoints: proxy.endpoint });
    await using session = await lossy.openSession({ ttlSeconds: 60 });
    const semaphore = lossy.semaphore(newName(), { permits: 1, session });
    proxy.hold("answers");
    const acquiring = semaphore.acquire({ timeoutMs: 200 });
    acquiring.catch(() => {});
    await expect.poll(async () => keysOf(etcd, semaphore.name)).toHaveLength(1);
    await expect(acquiring).rejects.toMatchObject({ code: "TIMEOUT" });
    proxy.release();
    await expect.poll(async () => keysOf(etcd, semaphore.name), { timeout: 10_000 }).toEqual([]);
    expect(session.alive).toBe(true);
  });

  it("that waited has its place in the queue back at once", async () => {
    await using session = await etcd.openSession();
    const name = newName();
    const mine = etcd.semaphore(name, { permits: 1, session });
    for (let round = 0; round < 5; round += 1) {
      const holder = await etcd.semaphore(name, { permits: 1 }).acquire();
      const { acquired } = await queueUp(mine);
      await holder.release();
      await (await acquired).release();
    }
    expect(await keysOf(etcd, name)).toEqual([]);
  });

  it("finds its key when the answer was lost", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using lossy = new EtcdClient({ endpoints: proxy.endpoint });
    await using session = await lossy.openSession();
    const name = newName();
    const semaphore = lossy.semaphore(name, { permits: 2, session });
    for (const how of ["acquire", "tryAcquire"] as const) {
      const lost = proxy.loseNextAnswer();
      const held = await semaphore[how]();
      await lost;
      expect(held?.fencingToken).toBe((await etcd.get(held?.key ?? "none"))?.createRevision);
      await held?.release();
    }
    // In turn, too: every connection breaks while it waits and takes.
    const [a, b] = await acquireAll(etcd.semaphore(name, { permits: 2 }), 2);
    const waiting = await queueUp(semaphore);
    proxy.cut();
    await a?.release();
    const held = await waiting.acquired;
    expect(held.held).toBe(true);
    await held.release();
    await b?.release();
    expect(await keysOf(etcd, name)).toEqual([]);
  });
});

describe("options", () => {
  it("are refused by name", () => {
    expect(() => etcd.semaphore("", { permits: 1 })).toThrow(/name must be a non-empty string/);
    expect(() => etcd.semaphore("a", {} as never)).toThrow(/permits must be .*received undefined/);
    expect(() => etcd.semaphore("a", undefined as never)).toThrow(/permits must be .*received undefined/);
    for (const permits of [0, -1, 1.5, "2"]) {
      expect(() => etcd.semaphore("a", { permits } as never)).toThrow(/permits must be a whole number/);
    }
    expect(() => etcd.semaphore("a", { permits: 1, ttl: 3 } as never)).toThrow(/unknown option "ttl"/);
    expect(() => etcd.semaphore("a", { permits: 1, session: {} as never })).toThrow(/must be a Session/);
  });

  it("of acquire as well, and nothing is left half-done", async () => {
    const semaphore = newSemaphore(1);
    await expect(semaphore.acquire({ timeout: 1 } as never)).rejects.toThrow(/unknown option "timeout"/);
    await expect(semaphore.tryAcquire({ timeoutMs: 0 })).rejects.toThrow(/timeoutMs/);
    const waiting = semaphore.acquire({ timeoutMs: 1 }).then(
      async (held) => held.release(),
      (error: unknown) => expect(isEtcdError(error, "TIMEOUT")).toBe(true),
    );
    await waiting;
    expect(await keysOf(etcd, semaphore.name)).toEqual([]);
  });
});
