import { EtcdClient } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { getEventListeners } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ScopedConnection } from "../src/namespace/scoped-connection.ts";
import type { Connection } from "../src/transport/connection.ts";
import { startTcpProxy } from "./support/tcp-proxy.ts";

/** For a busy machine. */
const PATIENT = { timeout: 15_000 };

let server: EtcdServer;
let observer: EtcdClient;
beforeAll(async () => {
  server = await startEtcd();
  observer = new EtcdClient({ endpoints: server.endpoints });
});
afterAll(async () => {
  await observer.close();
  await server.close();
});

async function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
}

async function endOf(iterable: AsyncIterable<unknown>): Promise<unknown> {
  try {
    for await (const _ of iterable);
    return undefined;
  } catch (error) {
    return error;
  }
}

describe("closing a namespace", () => {
  it("ends what was begun with it, and nothing else", async () => {
    await using root = new EtcdClient({ endpoints: server.endpoints });
    const app = root.namespace("close/");
    const inner = app.namespace("inner/");
    const sibling = root.namespace("sibling/");
    const mine = await app.openSession();
    const inners = await inner.openSession();
    const others = await sibling.openSession();
    const roots = await root.openSession();
    await app.put("key", "1", { lease: mine.lease });
    const held = await app.lock("lock").acquire();
    const waiting = reasonOf(app.lock("lock").acquire());
    await expect.poll(async () => (await app.range({ prefix: "lock/" })).count, PATIENT).toBe(2n);
    const mirror = await app.mirror({ prefix: "" });
    const innerMirror = await inner.mirror({ prefix: "" });
    const siblingMirror = await sibling.mirror({ prefix: "" });
    const watchers = [app.watch("key"), inner.watch("key"), root.watch("key")] as const;
    await Promise.all(watchers.map(async (each) => each.ready()));
    const [watch, innerWatch] = [endOf(watchers[0]), endOf(watchers[1])];

    await app.close();
    await app.close();

    expect([app.closed, inner.closed, sibling.closed, root.closed]).toEqual([true, true, false, false]);
    for (const end of [watch, innerWatch, waiting]) expect(await end).toMatchObject({ code: "CLOSED" });
    expect([mine.alive, inners.alive, others.alive, roots.alive]).toEqual([false, false, true, true]);
    expect(held.held).toBe(false);
    expect([mirror.state, innerMirror.state, siblingMirror.state]).toEqual(["closed", "closed", "live"]);
    expect(watchers[2].state).toBe("live");
    expect(await observer.get("close/key")).toBeUndefined();
    expect((await observer.range({ prefix: "close/" })).count).toBe(0n);
    expect(new Set(await observer.leases.list())).toEqual(new Set([others.leaseId, roots.leaseId]));

    const refused = { code: "CLOSED", outcome: "notApplied" };
    await expect(app.put("a", "1")).rejects.toMatchObject(refused);
    await expect(inner.delete("a")).rejects.toMatchObject(refused);
    await expect(app.namespace("late/").put("a", "1")).rejects.toMatchObject(refused);
    await expect(app.get("a")).rejects.toMatchObject({ code: "CLOSED" });
    await expect(app.openSession()).rejects.toMatchObject({ code: "CLOSED" });
    expect(await endOf(app.watch("a"))).toMatchObject({ code: "CLOSED" });
    expect(await endOf(app.scan({ prefix: "" }))).toMatchObject({ code: "CLOSED" });
    await root.put("still", "1");
    expect((await sibling.put("still", "1")).revision).toBeGreaterThan(0n);
  });

  it("happens with the client, whose connections it has", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    const root = new EtcdClient({ endpoints: proxy.endpoint, namespace: "r/" });
    const app = root.namespace("a/");
    const session = await app.openSession();
    const opening = reasonOf(app.openSession());
    const watcher = app.watch("key");
    await watcher.ready();
    await root.close();
    expect(app.closed).toBe(true);
    expect(session.signal.reason).toMatchObject({ code: "CLOSED" });
    expect(await endOf(watcher)).toMatchObject({ code: "CLOSED" });
    expect([undefined, "CLOSED"]).toContain(((await opening) as { code?: string } | undefined)?.code);
    await expect.poll(() => proxy.connections, PATIENT).toBe(0);
    expect((await observer.range({ prefix: "r/" })).count).toBe(0n);
    await app.close();
  });

  it("works with await using", async () => {
    await using root = new EtcdClient({ endpoints: server.endpoints });
    let seen: EtcdClient;
    {
      await using app = root.namespace("using/");
      seen = app;
      await app.put("a", "1");
    }
    expect(seen.closed).toBe(true);
    expect(root.closed).toBe(false);
  });

  it("waits for calls under way, and ends those that are not answered in time", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using root = new EtcdClient({ endpoints: proxy.endpoint, timeoutMs: 1_000 });
    const app = root.namespace("in-flight/");
    await app.put("warm", "1");
    proxy.hold("answers");
    const answered = app.put("answered", "1");
    await expect.poll(async () => observer.get("in-flight/answered"), PATIENT).toBeDefined();
    const closed = app.close();
    proxy.release();
    await closed;
    await answered;

    const slow = root.namespace("in-flight/");
    proxy.hold("answers");
    const aborting = new AbortController();
    const long = { timeoutMs: 60_000 };
    const unanswered = reasonOf(slow.put("unanswered", "1", long));
    const withSignal = reasonOf(slow.put("with-signal", "1", { ...long, signal: aborting.signal }));
    const read = reasonOf(slow.range({ prefix: "" }, long));
    await expect.poll(async () => (await observer.range({ prefix: "in-flight/" })).count, PATIENT).toBe(4n);
    const since = performance.now();
    await slow.close();
    // Long before the pings find out that the connection is dead.
    expect(performance.now() - since).toBeLessThan(8_000);
    for (const each of [unanswered, withSignal]) {
      expect(await each).toMatchObject({ code: "CLOSED", outcome: "unknown" });
    }
    expect(await read).toMatchObject({ code: "CLOSED", outcome: undefined });
    proxy.release();
    expect((await root.get("in-flight/unanswered"))?.text()).toBe("1");
  });

  it("ends a wait for a member at once", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using root = new EtcdClient({ endpoints: proxy.endpoint, timeoutMs: 60_000 });
    const app = root.namespace("waiting/");
    proxy.refuse();
    const call = reasonOf(app.put("a", "1"));
    const aborting = new AbortController();
    const aborted = reasonOf(app.put("b", "1", { signal: aborting.signal }));
    aborting.abort(new Error("enough"));
    expect(await aborted).toMatchObject({
      code: "ABORTED",
      outcome: "notApplied",
      cause: new Error("enough"),
    });
    const since = performance.now();
    await app.close();
    expect(await call).toMatchObject({ code: "CLOSED", outcome: "notApplied" });
    expect(performance.now() - since).toBeLessThan(20_000);
  });
});

function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

it("namespaces that are forgotten are gone, with what they had on the client's connection", async () => {
  const gc = garbageCollector();
  await using root = new EtcdClient({ endpoints: server.endpoints });
  const made = await (async () => {
    const namespaces: WeakRef<EtcdClient>[] = [];
    for (let index = 0; index < 100; index += 1) {
      const each = root.namespace(`forgotten/${index}/`);
      await each.put("a", "1");
      namespaces.push(new WeakRef(each));
    }
    return namespaces;
  })();
  await expect
    .poll(() => {
      gc();
      return made.filter((each) => each.deref() !== undefined).length;
    }, PATIENT)
    // The last one may still stand on a stack.
    .toBeLessThanOrEqual(1);

  const outer = new AbortController();
  for (let index = 0; index < 100; index += 1) {
    expect(new ScopedConnection({ closing: outer.signal } as Connection).closing.aborted).toBe(false);
  }
  await expect
    .poll(() => {
      gc();
      return getEventListeners(outer.signal, "abort").length;
    }, PATIENT)
    .toBeLessThanOrEqual(1);
});

it("a namespace that is forgotten while its watch runs still ends with the client", async () => {
  const gc = garbageCollector();
  const root = new EtcdClient({ endpoints: server.endpoints });
  const watcher = root.namespace("running/").watch("a");
  const session = await root.namespace("running/").openSession();
  await watcher.ready();
  for (let turn = 0; turn < 5; turn += 1) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await observer.put("running/a", "1");
  const end = endOf(watcher);
  await root.close();
  expect(await end).toMatchObject({ code: "CLOSED" });
  expect(session.alive).toBe(false);
  expect(await observer.leases.timeToLive(session.lease)).toBeUndefined();
});
