import { type EtcdClient, compare, op, type Session } from "@quorumkit/core";
import { FairQueue } from "@quorumkit/core/internal";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerOf } from "./support/answer-of.ts";
import { keysOf } from "./support/locking.ts";
import { LateCopyGround } from "./support/late-copy.ts";

const SWEPT = ["put", "delete"];

let ground: LateCopyGround;
let session: Session;
beforeEach(async () => {
  ground = await LateCopyGround.start();
  session = await ground.client.openSession({ ttlSeconds: 60 });
});
afterEach(async () => {
  await ground[Symbol.asyncDispose]();
});

/** What uses a session of the caller's, and gives it up again. The first transaction is the one that makes the key. */
const uses: Record<string, (client: EtcdClient) => Promise<() => Promise<void>>> = {
  acquire: async (client) => {
    const held = await client.lock("late", { session }).acquire();
    return async () => held.release();
  },
  tryAcquire: async (client) => {
    const held = await client.lock("late", { session }).tryAcquire();
    return async () => held?.release();
  },
  "a reader's acquire": async (client) => {
    const held = await client.readWriteLock("late", { session }).read.acquire();
    return async () => held.release();
  },
  "a semaphore's acquire": async (client) => {
    const held = await client.semaphore("late", { permits: 1, session }).acquire();
    return async () => held.release();
  },
  "a double barrier's enter": async (client) => {
    const barrier = client.doubleBarrier("late", { count: 1, session });
    await barrier.enter();
    return async () => barrier.leave();
  },
  "a leasing cache's get": async (client) => {
    const cache = await client.leasing("late/", { session });
    await cache.get("key");
    return async () => cache.close();
  },
  "a lock in a namespace": async (client) => {
    const held = await client.namespace("late/").lock("inside", { session }).acquire();
    return async () => held.release();
  },
};

describe("a copy that is applied after the release leaves nothing on a session that lives on:", () => {
  it.each(Object.keys(uses))("%s", async (name) => {
    const { client, other } = ground;
    const { result: release, late } = await ground.run(async () => uses[name]?.(client));
    await release?.();
    expect(await keysOf(other, "late")).toEqual([]);
    expect(await ground.ghostOf("late/", () => late.release())).toEqual(SWEPT);
    expect(session.alive).toBe(true);
    await session.close();
    await expect.poll(() => ground.openWatches()).toBe(0);
  });

  it("one after the other", async () => {
    const { result: release, late } = await ground.run(async () => uses["acquire"]?.(ground.client));
    await release?.();
    expect(await ground.ghostOf("late/", () => late.release())).toEqual(SWEPT);
    for (let copy = 0; copy < 5; copy += 1)
      expect(await ground.ghostOf("late/", () => void ground.makeGhost(session, "late"))).toEqual(SWEPT);
  });

  it("also when it was cut off, its history compacted, and the name used again meanwhile", async () => {
    const { client, other, server } = ground;
    const { result: release, late } = await ground.run(async () => uses["acquire"]?.(client));
    await release?.();
    await (
      await uses["acquire"]?.(client)
    )?.();
    server.dropConnections();
    await other.put("other", "");
    server.compact();
    expect(await ground.ghostOf("late/", () => late.release())).toEqual(SWEPT);
    const next = await other.lock("late").acquire({ timeoutMs: 10_000 });
    await next.release();
  });
});

describe("a copy that is applied after its call had failed", () => {
  it("of an acquire that was aborted: leaves nothing", async () => {
    const { client, other } = ground;
    const abort = new AbortController();
    const acquiring = client.lock("late", { session }).acquire({ signal: abort.signal });
    const { late } = await ground.run(
      async () => {
        acquiring.catch(() => {});
        return undefined;
      },
      () => abort.abort(),
    );
    expect(await answerOf(acquiring)).toBe("ABORTED");
    expect(await keysOf(other, "late")).toEqual([]);
    expect(await ground.ghostOf("late/", () => late.release())).toEqual(SWEPT);
  });

  it("of the deletion after it: takes no newer lock of the same session", async () => {
    const { client, other, server } = ground;
    const abort = new AbortController();
    const answers = server.hold("Txn");
    const acquiring = client.lock("late", { session }).acquire({ signal: abort.signal });
    await answers.reached();
    const { result, late } = await ground.run(async () => {
      abort.abort();
      answers.release();
      return answerOf(acquiring);
    });
    expect(result).toBe("ABORTED");
    const held = await client.lock("late", { session }).acquire();
    late.release();
    for (let call = 0; call < 10; call += 1) await other.get("late");
    expect((await other.get(held.key))?.createRevision).toBe(held.fencingToken);
    await held.release();
  });

  it("of a tryAcquire that found somebody else there: leaves nothing", async () => {
    const { client, other } = ground;
    const theirs = await other.lock("late").acquire();
    const { result, late } = await ground.run(async () => client.lock("late", { session }).tryAcquire());
    expect(result).toBeUndefined();
    await theirs.release();
    expect(await ground.ghostOf("late/", () => late.release())).toEqual(SWEPT);
  });
});

describe("a copy of the value", () => {
  it("for a key that was found takes back nothing that its owner has written since", async () => {
    const { client, other, server } = ground;
    await ground.makeGhost(session, "late");
    const first = server.hold("Txn", { before: true });
    const entering = new FairQueue(client, "late").enter(session, "campaign");
    await first.reached();
    const { result: ticket, late } = await ground.run(async () => {
      first.release();
      return entering;
    });
    expect((await other.get(ticket.key))?.text()).toBe("campaign");
    await other.put(ticket.key, "proclaim", { lease: session.leaseId });
    late.release();
    for (let call = 0; call < 10; call += 1) await other.get("late");
    expect((await other.get(ticket.key))?.text()).toBe("proclaim");
    await ticket.watch.close();
  });
});

describe("sweeping", () => {
  it("is through with a key before the session makes it anew", async () => {
    const { client, other, server } = ground;
    const { result: release, late } = await ground.run(async () => uses["acquire"]?.(client));
    await release?.();
    const looks = server.hold("Txn", { before: true });
    late.release();
    await looks.reached();
    const deletions = server.hold("Txn", { before: true, late: true });
    looks.release();
    await deletions.reached();
    const acquiring = client.lock("late", { session }).acquire();
    for (let call = 0; call < 10; call += 1) await other.get("late");
    expect(deletions.held).toBe(1);
    deletions.release();
    const held = await acquiring;
    expect((await other.get(held.key))?.createRevision).toBe(held.fencingToken);
    await held.release();
  });

  it("holds nobody up who does not wait for it any longer, and goes on", async () => {
    const { client, other, server } = ground;
    const { result: release, late } = await ground.run(async () => uses["acquire"]?.(client));
    await release?.();
    const looks = server.hold("Txn", { before: true });
    late.release();
    await looks.reached();
    const deletions = server.hold("Txn", { before: true });
    looks.release();
    await deletions.reached();
    const given = await answerOf(client.lock("late", { session }).acquire({ timeoutMs: 50 }));
    expect(given).toBe("TIMEOUT");
    deletions.release();
    await expect.poll(async () => keysOf(other, "late")).toEqual([]);
    expect(await ground.ghostOf("late/", () => void ground.makeGhost(session, "late"))).toEqual(SWEPT);
  });

  it("leaves the key alone while the session holds the lock again", async () => {
    const { client, other } = ground;
    const { result: release, late } = await ground.run(async () => uses["acquire"]?.(client));
    await release?.();
    const held = await client.lock("late", { session }).acquire();
    late.release();
    await other.put("other", "");
    expect((await other.get(held.key))?.createRevision).toBe(held.fencingToken);
    expect(held.held).toBe(true);
    await held.release();
    expect(await keysOf(other, "late")).toEqual([]);
  });

  it("of a reader's key goes on while the session waits as the writer", async () => {
    const { client } = ground;
    const { result: release, late } = await ground.run(async () => uses["a reader's acquire"]?.(client));
    await release?.();
    late.release();
    const held = await client.readWriteLock("late", { session }).write.acquire({ timeoutMs: 10_000 });
    expect(held.held).toBe(true);
    await held.release();
  });

  it("never takes the key from whoever acquires meanwhile", async () => {
    const { client, other } = ground;
    const { result: release, late } = await ground.run(async () => uses["acquire"]?.(client));
    await release?.();
    late.release();
    for (let round = 0; round < 200; round += 1) {
      await ground.makeGhost(session, "late");
      for (let turn = round % 20; turn > 0; turn -= 1) await new Promise((done) => setImmediate(done));
      const held = await client.lock("late", { session }).acquire();
      await ground.makeGhost(session, "late");
      await other.put("other", "");
      expect(held.signal.reason).toBeUndefined();
      expect((await other.get(held.key))?.createRevision).toBe(held.fencingToken);
      await held.release();
    }
  });

  it("is not begun where every sending was answered", async () => {
    const { client } = ground;
    for (const use of Object.values(uses)) await (await use(client))();
    await expect.poll(() => ground.openWatches()).toBe(0);
  });

  it("ends with the client", async () => {
    const { client } = ground;
    const { result: release } = await ground.run(async () => uses["acquire"]?.(client));
    await release?.();
    await client.close();
    expect(ground.openWatches()).toBe(0);
  });
});

describe("onUnknown", () => {
  const txn = (client: EtcdClient): ReturnType<EtcdClient["txn"]> =>
    client.txn().if(compare("a").version.equals(0n));

  it("is called for a copy whose answer was lost, though the commit succeeds", async () => {
    let unknown = 0;
    const { result } = await ground.run(async () =>
      txn(ground.client)
        .then(op.put("a", "1"))
        .commit({ repeatable: true, onUnknown: () => (unknown += 1) }),
    );
    expect(result.succeeded).toBe(true);
    expect(unknown).toBe(1);
  });

  it("is not called where all is known, nor for a transaction that reads", async () => {
    let unknown = 0;
    const onUnknown = (): void => void (unknown += 1);
    await txn(ground.client).then(op.put("a", "1")).commit({ repeatable: true, onUnknown });
    await ground.run(async () => txn(ground.client).then(op.get("a")).commit({ onUnknown }));
    expect(unknown).toBe(0);
  });

  it("is refused where it is no function", async () => {
    await expect(ground.client.txn().commit({ onUnknown: 7 as never })).rejects.toThrow(
      new TypeError("onUnknown must be a function, received 7"),
    );
  });
});
