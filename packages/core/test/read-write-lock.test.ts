import { EtcdClient, isEtcdError, op, type ReadWriteLock } from "@quorumkit/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commands, expectAsModelled } from "./support/lock-model.ts";
import { codeOf, expectPending, keysOf, queueUp } from "./support/locking.ts";
import { startOneEtcd } from "./support/one-etcd.ts";
import { startTcpProxy } from "./support/tcp-proxy.ts";

const { server, etcd, newName } = await startOneEtcd("rw-test");

function newLock(): ReadWriteLock {
  return etcd.readWriteLock(newName());
}

describe("who gets in", () => {
  it("readers together", async () => {
    const lock = newLock();
    const readers = await Promise.all([lock.read.acquire(), lock.read.acquire(), lock.read.acquire()]);
    expect(readers.map(({ held }) => held)).toEqual([true, true, true]);
    expect(readers.map(({ key }) => key)).toEqual(
      readers.map(({ leaseId }) => `${lock.name}/read/${leaseId.toString(16)}`),
    );
    for (const reader of readers) await reader.release();
    expect(await keysOf(etcd, lock.name)).toEqual([]);
  });

  it("a writer alone", async () => {
    const lock = newLock();
    const writer = await lock.write.acquire();
    expect(writer.key).toBe(`${lock.name}/write/${writer.leaseId.toString(16)}`);
    expect(await lock.write.tryAcquire()).toBeUndefined();
    expect(await lock.read.tryAcquire()).toBeUndefined();
    const reader = await queueUp(lock.read);
    const second = await queueUp(lock.write);
    expect(reader.predecessor).toBe(writer.key);
    await writer.release();
    const reading = await reader.acquired;
    await expectPending(etcd, second.acquired);
    await reading.release();
    const writing = await second.acquired;
    expect(writing.fencingToken).toBeGreaterThan(reading.fencingToken);
    expect(reading.fencingToken).toBeGreaterThan(writer.fencingToken);
    await writing.release();
    expect(await keysOf(etcd, lock.name)).toEqual([]);
  });

  it("in the order of arrival: a reader does not overtake a writer that waits", async () => {
    const lock = newLock();
    const early = [await lock.read.acquire(), await lock.read.acquire()] as const;
    const writer = await queueUp(lock.write);
    expect(writer.predecessor).toBe(early[1].key);
    const late = [await queueUp(lock.read), await queueUp(lock.read)] as const;
    expect(await lock.read.tryAcquire()).toBeUndefined();
    // Both wait for the writer itself, so they come in together.
    const writerKey = (await keysOf(etcd, lock.name))[2];
    expect(late.map(({ predecessor }) => predecessor)).toEqual([writerKey, writerKey]);
    await early[1].release();
    await expectPending(etcd, writer.acquired);
    await early[0].release();
    const writing = await writer.acquired;
    expect(writing.key).toBe(writerKey);
    await expectPending(etcd, ...late.map(({ acquired }) => acquired));
    await writing.release();
    const reading = await Promise.all(late.map(async ({ acquired }) => acquired));
    expect(reading.map(({ held }) => held)).toEqual([true, true]);
    for (const each of reading) await each.release();
  });

  it("as the model says, whatever is done", async () => {
    const read = 0;
    await fc.assert(
      fc.asyncProperty(commands, async (steps) => {
        const name = newName();
        await expectAsModelled(
          etcd,
          {
            name,
            locks: (session) => {
              const lock = etcd.readWriteLock(name, { session });
              return [lock.read, lock.write];
            },
            admit: (places) => {
              for (const [index, place] of places.entries()) {
                const before = places.slice(0, index);
                place.held =
                  place.kind === read ? before.every(({ kind }) => kind === read) : before.length === 0;
              }
            },
            free: (kind, places) =>
              kind === read ? places.every((each) => each.kind === read) : places.length === 0,
          },
          steps,
        );
      }),
      { numRuns: 25, endOnFailure: true },
    );
  });
});

describe("what is left behind", () => {
  it("by tryAcquire: no key and no lease, not even for a moment", async () => {
    const lock = newLock();
    await using held = await lock.read.acquire();
    const leases = await etcd.leases.list();
    const { revision } = await etcd.range("none");
    expect(await lock.write.tryAcquire()).toBeUndefined();
    expect((await etcd.range("none")).revision).toBe(revision);
    expect(await keysOf(etcd, lock.name)).toEqual([held.key]);
    expect(await etcd.leases.list()).toHaveLength(leases.length);
  });

  it("by a writer that gives up: nothing, and readers behind it come in", async () => {
    const lock = newLock();
    await using reader = await lock.read.acquire();
    const controller = new AbortController();
    const writer = await queueUp(lock.write, { signal: controller.signal });
    const behind = await queueUp(lock.read);
    controller.abort(new Error("changed my mind"));
    await expect(writer.acquired).rejects.toMatchObject({
      code: "ABORTED",
      cause: { message: "changed my mind" },
    });
    await using second = await behind.acquired;
    expect(await keysOf(etcd, lock.name)).toEqual([reader.key, second.key]);
  });

  it("by using(): nothing, however it ends", async () => {
    const lock = newLock();
    expect(await lock.read.using(({ held }) => held)).toBe(true);
    const broken = new Error("broken");
    const failing = lock.write.using(() => {
      throw broken;
    });
    await expect(failing).rejects.toBe(broken);
    await expect(lock.write.acquire({ timeoutMs: 5_000 }).then((held) => held.release())).resolves.toBe(
      undefined,
    );
    expect(await keysOf(etcd, lock.name)).toEqual([]);
  });
});

describe("loss", () => {
  it.each(["read", "write"] as const)(
    "of the lease of a %s holder lets the next one in, and is told",
    async (kind) => {
      const lock = newLock();
      const held = await lock[kind].acquire();
      const next = await queueUp(lock.write);
      await etcd.leases.revoke(held.leaseId);
      expect(await codeOf(held.signal)).toMatch(/LEASE_NOT_FOUND|KEY_DELETED/);
      expect(held.held).toBe(false);
      const after = await next.acquired;
      expect(after.fencingToken).toBeGreaterThan(held.fencingToken);
      await after.release();
    },
  );

  it.each(["read", "write"] as const)("of the key of a %s holder is told, too", async (kind) => {
    const lock = newLock();
    const held = await lock[kind].acquire();
    const next = await queueUp(lock.write);
    await etcd.delete(held.key);
    expect(await codeOf(held.signal)).toBe("KEY_DELETED");
    await (await next.acquired).release();
  });

  it("of a waiter's key or lease ends its wait, and nobody waits for it any longer", async () => {
    const lock = newLock();
    await using holder = await lock.read.acquire();
    const [first, second] = [await queueUp(lock.write), await queueUp(lock.write)];
    const [, firstKey, secondKey] = await keysOf(etcd, lock.name);
    const behind = await queueUp(lock.read);
    const lease = (await etcd.get(firstKey as string))?.lease;
    await etcd.leases.revoke(lease as bigint);
    await expect(first.acquired).rejects.toThrow(/LEASE_NOT_FOUND|KEY_DELETED/);
    await etcd.delete(secondKey as string);
    await expect(second.acquired).rejects.toMatchObject({ code: "KEY_DELETED" });
    await using reader = await behind.acquired;
    expect(await keysOf(etcd, lock.name)).toEqual([holder.key, reader.key]);
  });

  it("makes guarded transactions fail, also before anybody has told", async () => {
    const lock = newLock();
    const held = await lock.write.acquire();
    const target = `${lock.name}-target`;
    await held.txn().then(op.put(target, "1")).commit();
    const late = held.txn().then(op.put(target, "2"));
    await etcd.delete(held.key);
    await expect(late.commit()).rejects.toMatchObject({ code: "NOT_OWNER", outcome: "notApplied" });
    expect((await etcd.get(target))?.text()).toBe("1");
    await held.release();
  });
});

describe("one session", () => {
  it("has one place, so nobody waits for itself", async () => {
    await using session = await etcd.openSession();
    const lock = etcd.readWriteLock(newName(), { session });
    const reader = await lock.read.acquire();
    await expect(lock.write.acquire()).rejects.toMatchObject({ code: "LOCK_HELD", outcome: "notApplied" });
    await expect(lock.read.tryAcquire()).rejects.toMatchObject({ code: "LOCK_HELD" });
    await reader.release();
    const writer = await lock.write.acquire();
    await writer.release();
    expect(session.alive).toBe(true);
  });

  it("finds its key when the answer was lost", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using lossy = new EtcdClient({ endpoints: proxy.endpoint });
    await using session = await lossy.openSession();
    const lock = lossy.readWriteLock(newName(), { session });
    for (const kind of ["read", "write"] as const) {
      for (const how of ["acquire", "tryAcquire"] as const) {
        const lost = proxy.loseNextAnswer();
        const held = await lock[kind][how]();
        await lost;
        expect(held?.held).toBe(true);
        expect(held?.fencingToken).toBe((await etcd.get(held?.key ?? "none"))?.createRevision);
        await held?.release();
      }
    }
  });
});

describe("options", () => {
  it("are refused by name", () => {
    expect(() => etcd.readWriteLock("")).toThrow(/name must be a non-empty string/);
    expect(() => etcd.readWriteLock("a", { ttl: 3 } as never)).toThrow(
      /readWriteLock: unknown option "ttl"; known are ttlSeconds, session/,
    );
    expect(() => etcd.readWriteLock("a", { ttlSeconds: 0 })).toThrow(/ttlSeconds .* received 0/);
    expect(() => etcd.readWriteLock("a", { session: {} as never })).toThrow(/session must be a Session/);
  });

  it("of acquire as well, and nothing is left half-done", async () => {
    const lock = newLock();
    await expect(lock.read.acquire({ timeout: 1 } as never)).rejects.toThrow(/unknown option "timeout"/);
    await expect(lock.write.tryAcquire({ timeoutMs: 0 })).rejects.toThrow(/timeoutMs/);
    expect(await keysOf(etcd, lock.name)).toEqual([]);
    const waiting = lock.write.acquire({ timeoutMs: 1 }).then(
      async (held) => held.release(),
      (error: unknown) => expect(isEtcdError(error, "TIMEOUT")).toBe(true),
    );
    await waiting;
    expect(await keysOf(etcd, lock.name)).toEqual([]);
  });
});
