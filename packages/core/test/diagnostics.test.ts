import { channel, subscribe, tracingChannel, unsubscribe } from "node:diagnostics_channel";
import { inspect } from "node:util";
import {
  type CallMessage,
  type ConnectionMessage,
  DIAGNOSTICS,
  EtcdClient,
  type LeaseMessage,
  op,
  type RetryMessage,
  type StreamMessage,
  type WatchMessage,
} from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { callsAreTraced } from "../src/diagnostics/trace-call.ts";
import { startTcpProxy } from "./support/tcp-proxy.ts";

/** Long enough for a machine with much else to do. */
const EVENTUALLY = { timeout: 15_000 };

interface Messages {
  retry: RetryMessage;
  stream: StreamMessage;
  lease: LeaseMessage;
  watch: WatchMessage;
  connection: ConnectionMessage;
}

let server: EtcdServer;
const cleanUps: (() => void)[] = [];
beforeAll(async () => {
  server = await startEtcd();
});
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});
afterAll(async () => {
  await server.close();
});

/** What is published from now on, until the test ends. */
function listen<Name extends keyof Messages>(name: Name): Messages[Name][] {
  const messages: Messages[Name][] = [];
  const onMessage = (message: unknown): void => void messages.push(message as Messages[Name]);
  subscribe(DIAGNOSTICS[name], onMessage);
  cleanUps.push(() => unsubscribe(DIAGNOSTICS[name], onMessage));
  return messages;
}

/** The events of calls, as `event rpc`, with the message as it was at that moment. */
function listenToCalls(): { readonly event: string; readonly message: CallMessage }[] {
  const seen: { readonly event: string; readonly message: CallMessage }[] = [];
  const on = (event: string) => (message: object) => {
    seen.push({ event, message: { ...(message as CallMessage) } });
  };
  const subscribers = {
    start: on("start"),
    end: on("end"),
    asyncStart: on("asyncStart"),
    asyncEnd: on("asyncEnd"),
    error: on("error"),
  };
  const calls = tracingChannel(DIAGNOSTICS.call);
  calls.subscribe(subscribers);
  cleanUps.push(() => calls.unsubscribe(subscribers));
  return seen;
}

describe("the channel of calls", () => {
  it("tells a call from its start to its end, with where it went", async () => {
    const seen = listenToCalls();
    await using etcd = new EtcdClient({ endpoints: server.endpoint });
    await etcd.put("call", "1", { timeoutMs: 4_000 });
    expect(seen.map(({ event }) => event)).toEqual(["start", "end", "asyncStart", "asyncEnd"]);
    expect(seen[0]?.message).toEqual({
      rpc: "Put",
      kind: "write",
      timeoutMs: 4_000,
      attempts: 0,
      endpoint: undefined,
    });
    expect(seen.at(-1)?.message).toMatchObject({ rpc: "Put", attempts: 1, endpoint: server.endpoint });
  });

  it("tells why a call failed, and leaves the error as it was", async () => {
    const seen = listenToCalls();
    await using etcd = new EtcdClient({ endpoints: server.endpoint });
    const failed = etcd.range("a", { revision: 1_000_000n });
    await expect(failed).rejects.toMatchObject({ code: "FUTURE_REVISION" });
    expect(seen.map(({ event }) => event)).toEqual(["start", "end", "error", "asyncStart", "asyncEnd"]);
    expect(seen.at(-1)?.message).toMatchObject({ rpc: "Range", error: { code: "FUTURE_REVISION" } });
  });

  it("is listened to also where only one of its events is", () => {
    expect(callsAreTraced()).toBe(false);
    for (const name of ["start", "end", "asyncStart", "asyncEnd", "error"] as const) {
      const onMessage = (): void => {};
      subscribe(`tracing:${DIAGNOSTICS.call}:${name}`, onMessage);
      expect(callsAreTraced()).toBe(true);
      unsubscribe(`tracing:${DIAGNOSTICS.call}:${name}`, onMessage);
    }
    expect(callsAreTraced()).toBe(false);
  });
});

describe("the other channels", () => {
  it("tell a retry: what failed, where, and what is known of it", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    const [retries, calls] = [listen("retry"), listenToCalls()];
    await using etcd = new EtcdClient({ endpoints: [proxy.endpoint, server.endpoint] });
    await vi.waitFor(async () => {
      await etcd.range("a");
      expect(proxy.calls).toBeGreaterThan(0);
    }, EVENTUALLY);
    expect(retries).toEqual([]);
    proxy.refuse();
    await vi.waitFor(async () => {
      await etcd.range("a");
      expect(retries).toHaveLength(1);
    }, EVENTUALLY);
    expect(retries[0]).toMatchObject({ rpc: "Range", endpoint: proxy.endpoint, attempt: 1 });
    expect(retries[0]).toMatchObject({ code: "UNAVAILABLE", reason: expect.any(String) as string });
    expect(calls.filter(({ message }) => message.attempts === 2).at(-1)?.message).toMatchObject({
      endpoint: server.endpoint,
    });
  });

  it("tell a stream: that it was opened, and why and after how long it ended", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    const streams = listen("stream");
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    const watcher = etcd.watch("stream");
    await watcher.ready();
    expect(streams).toEqual([{ event: "open", rpc: "Watch", endpoint: proxy.endpoint }]);
    proxy.cut();
    await vi.waitFor(() => expect(streams.length).toBeGreaterThanOrEqual(3), EVENTUALLY);
    expect(streams[1]).toMatchObject({ event: "end", rpc: "Watch", error: { code: "UNAVAILABLE" } });
    expect((streams[1] as Extract<StreamMessage, { event: "end" }>).lastedMs).toBeGreaterThan(0);
    expect(streams[2]).toMatchObject({ event: "open", rpc: "Watch" });
    await watcher.close();
    await etcd.close();
    const opened = streams.filter(({ event }) => event === "open").length;
    const ends = streams.filter((each) => each.event === "end");
    expect(ends).toHaveLength(opened);
    expect(ends.at(-1)?.error).toBeUndefined();
  });

  it("tell a stream of answers, too", async () => {
    const streams = listen("stream");
    await using etcd = new EtcdClient({ endpoints: server.endpoint });
    for await (const piece of etcd.maintenance.snapshot()) expect(piece.length).toBeGreaterThan(0);
    expect(streams).toMatchObject([
      { event: "open", rpc: "Snapshot", endpoint: server.endpoint },
      { event: "end", rpc: "Snapshot", endpoint: server.endpoint, error: undefined },
    ]);
  });

  it("tell a lease: granted, renewed with the time that was left, ended and why", async () => {
    const leases = listen("lease");
    await using etcd = new EtcdClient({ endpoints: server.endpoint });
    const session = await etcd.openSession({ ttlSeconds: 3 });
    const { leaseId } = session;
    await vi.waitFor(() => expect(leases.length).toBeGreaterThanOrEqual(2), { timeout: 5_000 });
    await session.close();
    expect(leases[0]).toEqual({ event: "granted", leaseId, ttlSeconds: 3 });
    const renewed = leases[1] as Extract<LeaseMessage, { event: "renewed" }>;
    expect(renewed).toMatchObject({ event: "renewed", leaseId, ttlSeconds: 3 });
    expect(renewed.slackMs).toBeGreaterThan(0);
    expect(renewed.slackMs).toBeLessThan(3_000);
    expect(leases.at(-1)).toEqual({ event: "ended", leaseId, code: "CLOSED" });

    const lost = await etcd.openSession({ ttlSeconds: 3 });
    await etcd.leases.revoke(lost.leaseId);
    await vi.waitFor(
      () => expect(leases.at(-1)).toEqual({ event: "ended", leaseId: lost.leaseId, code: "LEASE_NOT_FOUND" }),
      { timeout: 5_000 },
    );
  });

  it("tell a watch: its states, and what came", async () => {
    const messages = listen("watch");
    await using etcd = new EtcdClient({ endpoints: server.endpoint });
    const watcher = etcd.watch({ prefix: "watched/" });
    await watcher.ready();
    const { revision } = await etcd.txn().then(op.put("watched/a", "1"), op.put("watched/b", "1")).commit();
    await vi.waitFor(() => expect(messages.length).toBeGreaterThanOrEqual(2), EVENTUALLY);
    await watcher.close();
    const number = messages[0]?.watcher;
    expect(number).toBeGreaterThan(0);
    expect(messages).toEqual([
      { event: "state", watcher: number, state: "live", error: undefined },
      { event: "batch", watcher: number, events: 2, revision },
      { event: "state", watcher: number, state: "closed", error: undefined },
    ]);
    const other = etcd.watch("watched/other");
    await other.ready();
    expect(messages.at(-1)?.watcher).not.toBe(number);
  });

  it("tell the connection's state", async () => {
    const messages = listen("connection");
    const etcd = new EtcdClient({ endpoints: server.endpoint });
    await etcd.get("a");
    await etcd.close();
    expect(messages.map(({ state }) => state)).toEqual(["idle", "connecting", "ready", "closed"]);
    expect(messages[2]?.endpoints).toMatchObject([{ url: server.endpoint, state: "ready" }]);
  });
});

/** The names of the properties that have a value. */
function namesSet(message: object): string[] {
  return Object.entries(message).flatMap(([name, value]) => (value === undefined ? [] : [name]));
}

describe("what is published", () => {
  it("has no key, no value and no password in it", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    const all = [listen("retry"), listen("stream"), listen("lease"), listen("watch"), listen("connection")];
    const calls = listenToCalls();
    await using etcd = new EtcdClient({ endpoints: [proxy.endpoint, server.endpoint] });
    const session = await etcd.openSession({ ttlSeconds: 5 });
    const watcher = etcd.watch({ prefix: "secretkey/" });
    await watcher.ready();
    await etcd.put("secretkey/a", "secretvalue", { lease: session.lease });
    await etcd.get("secretkey/a");
    await etcd.auth.userAdd("someone", { password: "secretpassword" });
    await expect(etcd.auth.userAdd("someone", { password: "secretpassword" })).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
    });
    await etcd.auth.userDelete("someone");
    proxy.cut();
    await etcd.range({ prefix: "secretkey/" });
    await watcher.close();
    await session.close();
    const text = inspect([...all, calls], { depth: 20, maxArrayLength: null });
    expect(text).toContain("Put");
    expect(text).not.toMatch(/secret/);
    // Nor the answer, where they would be bytes.
    const names = new Set(calls.flatMap(({ message }) => namesSet(message)));
    expect([...names].toSorted()).toEqual(["attempts", "endpoint", "error", "kind", "rpc", "timeoutMs"]);
  });

  /** Something for each channel to tell of: a call, a retry, streams, a lease, a watch, the connection's state. */
  async function live(): Promise<void> {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    await etcd.get("unheard");
    const lost = proxy.loseNextAnswer();
    await etcd.get("unheard");
    await lost;
    const watcher = etcd.watch("unheard");
    const first = watcher[Symbol.asyncIterator]().next();
    await watcher.ready();
    await using session = await etcd.openSession({ ttlSeconds: 5 });
    await etcd.put("unheard", "1", { lease: session.lease });
    expect((await first).done).toBe(false);
    const broken = new Promise((resolve) => watcher.on("state", resolve));
    proxy.cut();
    expect(await broken).toBe("interrupted");
    await etcd.get("unheard");
  }

  it("is not made while nobody listens, whatever there is to tell", async () => {
    const calls = tracingChannel(DIAGNOSTICS.call);
    const { call: _, ...names } = DIAGNOSTICS;
    const published = [
      vi.spyOn(calls.constructor.prototype as typeof calls, "tracePromise"),
      ...Object.values(names).map((name) => vi.spyOn(channel(name), "publish")),
    ];
    cleanUps.push(() => published.forEach((each) => each.mockRestore()));
    const times = (): number[] => published.map(({ mock }) => mock.calls.length);
    await live();
    expect(times()).toEqual([0, 0, 0, 0, 0, 0]);
    // The same once more, to those who listen: there is something on each channel.
    listenToCalls();
    for (const name of ["retry", "stream", "lease", "watch", "connection"] as const) listen(name);
    await live();
    expect(times().filter((count) => count === 0)).toEqual([]);
  });
});
