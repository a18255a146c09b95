import { getEventListeners } from "node:events";
import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { EtcdClient, isEtcdError, type WatcherState } from "@quorumkit/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTcpProxy } from "./support/tcp-proxy.ts";
import { collect, watcherCount, watchStreamCount } from "./support/watching.ts";

let server: EtcdServer;
beforeAll(async () => {
  server = await startEtcd();
});
afterAll(async () => {
  await server.close();
});

async function nothingIsLeft(): Promise<void> {
  await expect.poll(async () => watcherCount(server), { timeout: 5000 }).toBe(0);
  await expect.poll(async () => watchStreamCount(server), { timeout: 5000 }).toBe(0);
}

describe("a watch ends", () => {
  it("by break", async () => {
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const watcher = etcd.watch("end/break");
    await watcher.ready();
    await etcd.put("end/break", "1");
    for await (const { events } of watcher) {
      expect(events.length).toBe(1);
      break;
    }
    expect(watcher.state).toBe("closed");
    await nothingIsLeft();
  });

  it("by an exception in the loop", async () => {
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const watcher = etcd.watch("end/throw");
    await watcher.ready();
    await etcd.put("end/throw", "1");
    const loop = async (): Promise<void> => {
      for await (const _ of watcher) throw new Error("the user's");
    };
    await expect(loop()).rejects.toThrow("the user's");
    expect(watcher.state).toBe("closed");
    await nothingIsLeft();
  });

  it("by close(), which ends a waiting loop, throws buffered batches away and may be called again", async () => {
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const waiting = etcd.watch("end/close");
    const seen = collect(waiting);
    const buffering = etcd.watch("end/close");
    await Promise.all([waiting.ready(), buffering.ready()]);
    const { revision } = await etcd.put("end/close", "1");
    await expect.poll(() => seen.revision()).toBe(revision);
    await Promise.all([waiting.close(), waiting.close(), buffering.close()]);
    expect(await seen.ended).toBeUndefined();
    expect((await collect(buffering).ended) ?? "ended").toBe("ended");
    await waiting.close();
    await expect(waiting.ready()).resolves.toBeUndefined();
    await nothingIsLeft();
  });

  it("by its signal, with the reason as cause, and leaves no listener on it", async () => {
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const long = new AbortController();
    for (let round = 0; round < 20; round += 1) {
      const watcher = etcd.watch("end/signal", { signal: long.signal });
      await watcher.ready({ signal: long.signal });
      await watcher.close();
    }
    expect(getEventListeners(long.signal, "abort").length).toBe(0);

    const watcher = etcd.watch("end/signal", { signal: long.signal });
    const seen = collect(watcher);
    await watcher.ready();
    const reason = new Error("enough");
    long.abort(reason);
    const error = await seen.ended;
    expect(isEtcdError(error, "ABORTED") && error.cause).toBe(reason);
    expect(watcher.state).toBe("closed");
    expect(getEventListeners(long.signal, "abort").length).toBe(0);

    const late = etcd.watch("end/signal", { signal: long.signal });
    expect(await collect(late).ended).toMatchObject({ code: "ABORTED" });
    await expect(late.ready()).rejects.toMatchObject({ code: "ABORTED" });
    await nothingIsLeft();
  });

  it("by its signal without giving what was still buffered", async () => {
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const stop = new AbortController();
    const other = etcd.watch("end/buffered");
    const watcher = etcd.watch("end/buffered", { signal: stop.signal });
    await Promise.all([other.ready(), watcher.ready()]);
    const { revision } = await etcd.put("end/buffered", "1");
    const seen = collect(other);
    await expect.poll(() => seen.revision()).toBe(revision);
    stop.abort();
    const late = collect(watcher);
    expect(await late.ended).toMatchObject({ code: "ABORTED" });
    expect(late.batches).toEqual([]);
  });

  it("with its client, as CLOSED", async () => {
    const etcd = new EtcdClient({ endpoints: server.endpoints });
    const watchers = Array.from({ length: 20 }, (_, index) => etcd.watch(`end/client/${index}`));
    const seen = watchers.map(collect);
    await Promise.all(watchers.slice(0, 10).map(async (watcher) => watcher.ready()));
    await etcd.close();
    for (const { ended } of seen) expect(await ended).toMatchObject({ code: "CLOSED" });
    const late = etcd.watch("end/client");
    expect(await collect(late).ended).toMatchObject({ code: "CLOSED" });
    await nothingIsLeft();
  });

  it("with its client, also while no endpoint answers", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    proxy.hold();
    const etcd = new EtcdClient({ endpoints: proxy.endpoint });
    const seen = [etcd.watch("a"), etcd.watch("a", { startRevision: 1n })].map(collect);
    await expect.poll(() => proxy.connections).toBeGreaterThan(0);
    await etcd.close();
    for (const { ended } of seen) expect(await ended).toMatchObject({ code: "CLOSED" });
  });
});

describe("the state", () => {
  it("goes connecting, live, interrupted, live, closed, and tells why", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    const watcher = etcd.watch("state/a");
    const states: WatcherState[] = [watcher.state];
    const errors: unknown[] = [];
    watcher.on("state", (state, error) => {
      expect(watcher.state).toBe(state);
      states.push(state);
      errors.push(error?.code);
    });
    await watcher.ready();
    proxy.cut();
    await expect.poll(() => states.length).toBe(4);
    await watcher.close();
    expect(states).toEqual(["connecting", "live", "interrupted", "live", "closed"]);
    expect(errors).toEqual([undefined, "UNAVAILABLE", undefined, undefined]);
  });

  it.each([{}, { startRevision: 1n }])(
    "is interrupted, with the reason, where etcd cannot be reached (%o)",
    async (options) => {
      await using proxy = await startTcpProxy(server.endpoint);
      proxy.refuse();
      await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
      const watcher = etcd.watch("state/unreachable", options);
      await expect(watcher.ready({ timeoutMs: 1500 })).rejects.toMatchObject({
        code: "TIMEOUT",
        cause: { code: "UNAVAILABLE" },
      });
      expect(watcher.state).toBe("interrupted");
      proxy.accept();
      await watcher.ready({ timeoutMs: 10_000 });
      expect(watcher.state).toBe("live");
    },
  );

  it("may be answered by closing the watcher, or all of them", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    const closer = etcd.watch("state/closer");
    closer.on("state", () => void closer.close());
    expect(await collect(closer).ended).toBeUndefined();

    const watchers = Array.from({ length: 5 }, () => etcd.watch("state/all"));
    const seen = watchers.map(collect);
    const [first] = watchers;
    first?.on("state", (state) => {
      if (state === "interrupted") for (const each of watchers) void each.close();
    });
    await Promise.all(watchers.map(async (each) => each.ready()));
    proxy.cut();
    for (const { ended } of seen) expect(await ended).toBeUndefined();
    const again = etcd.watch("state/again");
    await again.ready();
    await again.close();
    await nothingIsLeft();
  });

  it("survives removeAllListeners(): nothing inside hangs on the public events", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    await using watcher = etcd.watch("state/removed");
    watcher.removeAllListeners();
    await watcher.ready();
    const seen = collect(watcher);
    proxy.refuse();
    await expect.poll(() => watcher.state).toBe("interrupted");
    await using other = new EtcdClient({ endpoints: server.endpoints });
    const { revision } = await other.put("state/removed", "1");
    proxy.accept();
    await expect.poll(() => seen.revision()).toBe(revision);
  });
});

describe("a watch that is closed in the turn in which it was opened", () => {
  it("leaves no stream behind on the server", async () => {
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    await etcd.put("turn/warm", "");
    for (let round = 0; round < 50; round += 1) {
      const watcher = etcd.watch("turn/a", { startRevision: 1n });
      // The stream is opened some microtasks later: close in each of them, one after the other.
      for (let step = 0; step < round % 10; step += 1) await Promise.resolve();
      await watcher.close();
      await new Promise(setImmediate);
    }
    await etcd.put("turn/done", "");
    await expect.poll(async () => watchStreamCount(server), { timeout: 5000 }).toBe(0);
  });
});
