import { compare, EtcdClient, type HeldLock, isEtcdError, op } from "@quorumkit/core";
import { startEtcd } from "@quorumkit/testing";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { keysOf, queueUp } from "./support/locking.ts";
import { startOneEtcd } from "./support/one-etcd.ts";

/** For a busy machine. */
const PATIENT = { timeout: 15_000 };

const { server, etcd, newName } = await startOneEtcd("lock-test");

async function aborted(signal: AbortSignal): Promise<unknown> {
  if (!signal.aborted) await new Promise((done) => signal.addEventListener("abort", done, { once: true }));
  return signal.reason;
}

describe("acquire", () => {
  it("gives the lock in the order of arrival, with growing tokens", async () => {
    const name = newName();
    const first = await etcd.lock(name).acquire();
    expect(first.held).toBe(true);
    expect(first.remainingMs).toBeGreaterThan(5_000);
    expect(first.key).toBe(`${name}/${first.leaseId.toString(16)}`);
    expect((await etcd.get(first.key))?.createRevision).toBe(first.fencingToken);

    const second = await queueUp(etcd.lock(name));
    const third = await queueUp(etcd.lock(name));
    expect(second.predecessor).toBe(first.key);
    await first.release();
    const secondHeld = await second.acquired;
    expect(third.predecessor).toBe(secondHeld.key);
    await secondHeld.release();
    const thirdHeld = await third.acquired;
    expect([first.held, secondHeld.held, thirdHeld.held]).toEqual([false, false, true]);
    expect(secondHeld.fencingToken).toBeGreaterThan(first.fencingToken);
    expect(thirdHeld.fencingToken).toBeGreaterThan(secondHeld.fencingToken);
    await thirdHeld.release();
    expect(await keysOf(etcd, name)).toEqual([]);
  });

  it("leaves no key and no lease when it is aborted while waiting, and keeps the reason", async () => {
    const name = newName();
    await using held = await etcd.lock(name).acquire();
    const before = await etcd.leases.list();
    const controller = new AbortController();
    const { acquired } = await queueUp(etcd.lock(name), { signal: controller.signal });
    controller.abort(new Error("changed my mind"));
    await expect(acquired).rejects.toMatchObject({ code: "ABORTED", cause: { message: "changed my mind" } });
    expect(await keysOf(etcd, name)).toEqual([held.key]);
    expect(await etcd.leases.list()).toHaveLength(before.length);
  });

  it("leaves no key when it is aborted while waiting with a session of the caller's", async () => {
    const name = newName();
    await using held = await etcd.lock(name).acquire();
    await using session = await etcd.openSession();
    const controller = new AbortController();
    const { acquired } = await queueUp(etcd.lock(name, { session }), { signal: controller.signal });
    controller.abort();
    await expect(acquired).rejects.toMatchObject({ code: "ABORTED" });
    expect(await keysOf(etcd, name)).toEqual([held.key]);
    expect(session.alive).toBe(true);
  });

  it("gives up after timeoutMs", async () => {
    const name = newName();
    await using held = await etcd.lock(name).acquire();
    await expect(etcd.lock(name).acquire({ timeoutMs: 150 })).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(await keysOf(etcd, name)).toEqual([held.key]);
  });

  it("refuses the same session twice, instead of a second owner with the same key", async () => {
    const name = newName();
    await using session = await etcd.openSession();
    const held = await etcd.lock(name, { session }).acquire();
    const again = etcd.lock(name, { session });
    await expect(again.acquire()).rejects.toMatchObject({ code: "LOCK_HELD", outcome: "notApplied" });
    await expect(again.tryAcquire()).rejects.toMatchObject({ code: "LOCK_HELD" });
    expect(held.held).toBe(true);
    await held.release();
    const next = await again.acquire();
    expect(next.key).toBe(held.key);
    expect(next.fencingToken).toBeGreaterThan(held.fencingToken);

    // The late repetition of an old release must not free the new lock.
    await held.release();
    expect(next.held).toBe(true);
    expect((await etcd.get(next.key))?.createRevision).toBe(next.fencingToken);
    await next.release();
    expect(session.alive).toBe(true);
  });

  it("keeps the session's place refused when an earlier, lost lock of it is released late", async () => {
    const name = newName();
    await using session = await etcd.openSession();
    const lock = etcd.lock(name, { session });
    const lost = await lock.acquire();
    await etcd.delete(lost.key);
    await aborted(lost.signal);
    await using held = await lock.acquire();
    await lost.release();
    await expect(lock.acquire()).rejects.toMatchObject({ code: "LOCK_HELD" });
    expect(held.held).toBe(true);
  });
});

describe("tryAcquire", () => {
  it("takes a free lock, and leaves no trace on one that is held", async () => {
    const name = newName();
    const held = await etcd.lock(name).tryAcquire();
    expect(held?.held).toBe(true);
    const leases = await etcd.leases.list();
    expect(await etcd.lock(name).tryAcquire()).toBeUndefined();
    expect(await keysOf(etcd, name)).toEqual([held?.key]);
    expect(await etcd.leases.list()).toHaveLength(leases.length);
    await held?.release();
    expect(await keysOf(etcd, name)).toEqual([]);
  });

  it("lets exactly one of many win", async () => {
    const name = newName();
    const tries = await Promise.all(Array.from({ length: 20 }, () => etcd.lock(name).tryAcquire()));
    const winners = tries.filter((held) => held !== undefined);
    expect(winners).toHaveLength(1);
    await winners[0]?.release();
  });
});

describe("using", () => {
  it("holds the lock while the function runs, and gives its result", async () => {
    const name = newName();
    let seen: HeldLock | undefined;
    const result = await etcd.lock(name).using(async (held) => {
      seen = held;
      expect(await keysOf(etcd, name)).toEqual([held.key]);
      return 42;
    });
    expect(result).toBe(42);
    expect(seen?.held).toBe(false);
    expect(await keysOf(etcd, name)).toEqual([]);
  });

  it("releases when the function fails, and passes its error on as it is", async () => {
    const name = newName();
    const broken = new Error("broken");
    await expect(etcd.lock(name).using(() => Promise.reject(broken))).rejects.toBe(broken);
    expect(await keysOf(etcd, name)).toEqual([]);
  });
});

describe("loss", () => {
  it("is told when somebody deletes the key, and ends guarded transactions", async () => {
    const name = newName();
    const held = await etcd.lock(name).acquire();
    const next = await queueUp(etcd.lock(name));
    await held
      .txn()
      .then(op.put(`${name}-data`, "1"))
      .commit();
    await etcd.delete(held.key);
    expect(await aborted(held.signal)).toMatchObject({ code: "KEY_DELETED" });
    expect(held.held).toBe(false);
    expect(held.remainingMs).toBe(0);
    const late = held
      .txn()
      .then(op.put(`${name}-data`, "2"))
      .commit();
    await expect(late).rejects.toMatchObject({ code: "NOT_OWNER", outcome: "notApplied" });
    expect((await etcd.get(`${name}-data`))?.text()).toBe("1");
    await (await next.acquired).release();
    await held.release();
  });

  it("is found by the guard even when nobody has told yet", async () => {
    const name = newName();
    await using session = await etcd.openSession();
    const held = await etcd.lock(name, { session }).acquire();
    await etcd.delete(held.key);
    const { succeeded } = await etcd
      .txn()
      .if(held.guard())
      .then(op.put("never", "1"))
      .else(op.get(held.key))
      .commit();
    expect(succeeded).toBe(false);
  });

  it("is told when the lease is revoked", async () => {
    const name = newName();
    const held = await etcd.lock(name).acquire();
    await etcd.leases.revoke(held.leaseId);
    const reason = await aborted(held.signal);
    expect(isEtcdError(reason, "KEY_DELETED", "LEASE_NOT_FOUND")).toBe(true);
    await held.release();
  });

  it("ends the wait of somebody whose key is deleted, or whose lease is revoked", async () => {
    const name = newName();
    await using held = await etcd.lock(name).acquire();
    const second = await queueUp(etcd.lock(name));
    const [, secondKey] = await keysOf(etcd, name);
    await etcd.delete(secondKey as string);
    await expect(second.acquired).rejects.toMatchObject({ code: "KEY_DELETED" });

    await using session = await etcd.openSession();
    const third = await queueUp(etcd.lock(name, { session }));
    await etcd.leases.revoke(session.lease);
    await expect(third.acquired).rejects.toSatisfy((error) =>
      isEtcdError(error, "KEY_DELETED", "LEASE_NOT_FOUND"),
    );
    expect(await keysOf(etcd, name)).toEqual([held.key]);
  });

  it("of a predecessor in the middle does not let anybody in early", async () => {
    const name = newName();
    const first = await etcd.lock(name).acquire();
    const second = await queueUp(etcd.lock(name));
    const waitedFor: string[] = [];
    const third = etcd.lock(name).acquire({ onWaiting: ({ key }) => waitedFor.push(key) });
    await vi.waitFor(() => expect(waitedFor).toHaveLength(1), PATIENT);
    await etcd.delete(waitedFor[0] as string);
    await expect(second.acquired).rejects.toMatchObject({ code: "KEY_DELETED" });
    await vi.waitFor(() => expect(waitedFor[1]).toBe(first.key), PATIENT);
    await first.release();
    const held = await third;
    expect(held.held).toBe(true);
    await held.release();
  });
});

describe("guarded transactions", () => {
  it("tell a false condition from a lost lock", async () => {
    const name = newName();
    await using held = await etcd.lock(name).acquire();
    const attempt = () =>
      held
        .txn()
        .if(compare(`${name}-counter`).version.equals(0n))
        .then(op.put(`${name}-counter`, "1"))
        .else(op.get(`${name}-counter`))
        .commit();
    const first = await attempt();
    expect(first.succeeded).toBe(true);
    const second = await attempt();
    expect(second.succeeded).toBe(false);
    if (second.succeeded) throw new Error("unreachable");
    expect(second.results[0]?.text()).toBe("1");
    expect(second.revision).toBeGreaterThanOrEqual(first.revision);
    expect(first.revision).toBeGreaterThan(held.fencingToken);
  });
});

describe("outages", () => {
  it("an etcd that is killed and restarted keeps holder and waiter where they are", async () => {
    await using own = await startEtcd();
    await using client = new EtcdClient({ endpoints: own.endpoints });
    const name = newName();
    const held = await client.lock(name, { ttlSeconds: 30 }).acquire();
    const waiter = await queueUp(client.lock(name, { ttlSeconds: 30 }));
    await own.kill();
    await own.restart();
    expect(held.held).toBe(true);
    await held.txn().then(op.put("still", "here")).commit({ timeoutMs: 15_000, repeatable: true });
    await held.release({ timeoutMs: 15_000 });
    const next = await waiter.acquired;
    expect(next.fencingToken).toBeGreaterThan(held.fencingToken);
    await next.release();
  });

  it("a wait that ends while etcd is away leaves no key on the caller's session in the end", async () => {
    await using own = await startEtcd();
    await using client = new EtcdClient({ endpoints: own.endpoints });
    await using session = await client.openSession({ ttlSeconds: 60 });
    const held = await client.lock("swept", { ttlSeconds: 60 }).acquire();
    const controller = new AbortController();
    const { acquired } = await queueUp(client.lock("swept", { session }), { signal: controller.signal });
    await own.pause();
    controller.abort();
    await expect(acquired).rejects.toMatchObject({ code: "ABORTED" });
    // Nobody knows yet whether this one is in the queue.
    const unknown = client.lock("swept-2", { session }).acquire({ timeoutMs: 200 });
    await expect(unknown).rejects.toMatchObject({ code: "TIMEOUT" });
    await expect(client.lock("swept", { session }).tryAcquire()).rejects.toMatchObject({ code: "LOCK_HELD" });
    await own.resume();
    const keys = async () => (await client.range({ prefix: "swept" })).kvs.map(({ key }) => key);
    await expect.poll(keys, PATIENT).toEqual([held.key]);
    expect(session.alive).toBe(true);
    await held.release();
    // The session's places are free again.
    for (const name of ["swept", "swept-2"]) {
      const again = await vi.waitFor(() => client.lock(name, { session }).acquire(), PATIENT);
      await again.release();
    }
  });

  it("a lock that cannot reach etcd ends with an error, and keeps nothing running", async () => {
    await using own = await startEtcd();
    await using client = new EtcdClient({ endpoints: own.endpoints, timeoutMs: 500 });
    await own.kill();
    await expect(client.lock("unreachable").acquire()).rejects.toSatisfy((error) =>
      isEtcdError(error, "TIMEOUT", "UNAVAILABLE"),
    );
  });
});

describe("release with a limit", () => {
  it("returns by then while etcd is away, and the lock of its own session is freed all the same", async () => {
    await using own = await startEtcd();
    await using client = new EtcdClient({ endpoints: own.endpoints, timeoutMs: 4_000 });
    const held = await client.lock("limited", { ttlSeconds: 60 }).acquire();
    await own.pause();
    const before = performance.now();
    await held.release({ timeoutMs: 100 });
    const controller = new AbortController();
    const again = held.release({ signal: controller.signal });
    controller.abort();
    await again;
    expect(performance.now() - before).toBeLessThan(2_000);
    expect(held.held).toBe(false);
    await own.resume();
    await expect.poll(() => client.get(held.key, { timeoutMs: 15_000 }), PATIENT).toBeUndefined();
  });

  it("is refused by name when it is wrong", async () => {
    const held = await etcd.lock(newName()).acquire();
    await expect(held.release({ timeoutMs: -1 })).rejects.toThrow(/timeoutMs must be .* received -1/);
    await expect(held.release({ wait: 1 } as never)).rejects.toThrow(/unknown option "wait"/);
    expect(held.held).toBe(true);
    await held.release();
  });
});

describe("a session", () => {
  it("of another client is refused: its lock would outlive the client that watches it", async () => {
    await using other = new EtcdClient({ endpoints: server.endpoints });
    await using session = await other.openSession();
    const another = /session must be one of the same client .* \(lease [0-9a-f]+\)/;
    expect(() => etcd.lock("foreign", { session })).toThrow(another);
    expect(() => etcd.lock("foreign", { session })).toThrow(TypeError);
    expect(() => etcd.readWriteLock("foreign", { session })).toThrow(another);
    expect(() => etcd.semaphore("foreign", { permits: 1, session })).toThrow(another);
    expect(() => etcd.namespace("a/").lock("foreign", { session })).toThrow(another);
  });

  it("of a namespace of the same client is taken, and the other way round", async () => {
    const inside = etcd.namespace(`${newName()}/`);
    onTestFinished(() => inside.close());
    for (const [locking, opening] of [
      [etcd, inside],
      [inside, etcd],
      [inside.namespace("deep/"), inside],
    ] as const) {
      await using session = await opening.openSession();
      const held = await locking.lock(newName(), { session }).acquire();
      expect(held.held).toBe(true);
      await held.release();
    }
  });

  it("that outlives the namespace of its lock does not keep that held: nobody watches the key any more", async () => {
    const inside = etcd.namespace(`${newName()}/`);
    await using session = await etcd.openSession();
    const held = await inside.lock("inside", { session }).acquire();
    const waiter = await queueUp(inside.lock("inside"));
    await inside.close();
    await expect(waiter.acquired).rejects.toMatchObject({ code: "CLOSED" });
    expect(await aborted(held.signal)).toMatchObject({ code: "CLOSED" });
    expect(held.held).toBe(false);
    expect(session.alive).toBe(true);
  });
});

describe("closing", () => {
  it("the client ends held and waited-for locks, and leaves no key and no lease", async () => {
    const name = newName();
    const leases = await etcd.leases.list();
    const client = new EtcdClient({ endpoints: server.endpoints });
    onTestFinished(() => client.close());
    const held = await client.lock(name).acquire();
    const waiter = await queueUp(client.lock(name));
    await client.close();
    expect(held.held).toBe(false);
    expect(await aborted(held.signal)).toMatchObject({ code: "CLOSED" });
    await expect(waiter.acquired).rejects.toMatchObject({ code: "CLOSED" });
    expect(await keysOf(etcd, name)).toEqual([]);
    expect(await etcd.leases.list()).toHaveLength(leases.length);
  });
});

describe("bad input", () => {
  it("is refused by name", async () => {
    expect(() => etcd.lock("")).toThrow(new TypeError('name must be a non-empty string, received ""'));
    expect(() => etcd.lock("a", { ttlSeconds: 0 })).toThrow(/ttlSeconds must be .* received 0/);
    expect(() => etcd.lock("a", { ttl: 5 } as never)).toThrow(/unknown option "ttl"/);
    expect(() => etcd.lock("a", { session: {} as never })).toThrow(/session must be a Session/);
    const lock = etcd.lock("bad-input");
    await expect(lock.acquire({ timeoutMs: -1 })).rejects.toThrow(/timeoutMs must be .* received -1/);
    await expect(lock.acquire({ wait: 1 } as never)).rejects.toThrow(/unknown option "wait"/);
    await expect(lock.acquire({ onWaiting: 1 as never })).rejects.toThrow(
      /onWaiting must be a function, received 1/,
    );
    await expect(lock.tryAcquire({ signal: 1 as never })).rejects.toThrow(/signal must be an AbortSignal/);
    await expect(lock.using(undefined as never)).rejects.toThrow(TypeError);
    expect(await keysOf(etcd, "bad-input")).toEqual([]);
  });
});
