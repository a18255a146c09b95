import { getEventListeners } from "node:events";
import { EtcdClient, EtcdError } from "@quorumkit/core";
import { type EtcdServer, startEtcd, startEtcdCluster } from "@quorumkit/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type TcpProxy, startTcpProxy } from "./support/tcp-proxy.ts";

let server: EtcdServer;
let proxy: TcpProxy;
let etcd: EtcdClient;
beforeAll(async () => {
  server = await startEtcd();
  proxy = await startTcpProxy(server.endpoint);
  etcd = new EtcdClient({ endpoints: proxy.endpoint, timeoutMs: 600 });
});
afterAll(async () => {
  await etcd.close();
  await proxy.close();
  await server.close();
});

/** How long a promise took to reject, and with what. */
async function rejection(promise: Promise<unknown>): Promise<{ error: EtcdError; tookMs: number }> {
  const startedAt = performance.now();
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EtcdError);
  return { error: error as EtcdError, tookMs: performance.now() - startedAt };
}

describe("on a connection that swallows everything", () => {
  it("a call ends with the client's deadline, or its own", async () => {
    await etcd.put("a", "1");
    proxy.hold();
    try {
      const byDefault = await rejection(etcd.get("a"));
      expect(byDefault.error).toMatchObject({ code: "TIMEOUT", outcome: undefined });
      expect(byDefault.error.message).toContain("600 ms");
      expect(byDefault.tookMs).toBeGreaterThan(550);
      expect(byDefault.tookMs).toBeLessThan(900);
      const own = await rejection(etcd.put("a", "2", { timeoutMs: 200 }));
      // It may arrive yet: the connection still stands.
      expect(own.error).toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
      expect(own.tookMs).toBeGreaterThan(180);
      expect(own.tookMs).toBeLessThan(500);
    } finally {
      proxy.release();
    }
    await etcd.put("a", "3");
  });

  it("a first call, which has no connection yet, says that it was never sent", async () => {
    await using mute = await startTcpProxy(server.endpoint);
    mute.hold();
    await using client = new EtcdClient({ endpoints: mute.endpoint });
    const { error, tookMs } = await rejection(client.put("first", "1", { timeoutMs: 300 }));
    expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: "notApplied" });
    expect(tookMs).toBeLessThan(600);
    mute.release();
    expect(await client.get("first")).toBeUndefined();
  });
});

describe("a caller in a hurry", () => {
  it("does not get the endpoint set aside for all others", async () => {
    await using own = await startTcpProxy(server.endpoint);
    await using client = new EtcdClient({ endpoints: own.endpoint });
    await client.get("a");
    own.delay("answers", 60);
    await Promise.all(Array.from({ length: 10 }, async () => rejection(client.get("a", { timeoutMs: 20 }))));
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: 10 }, async () => client.get("a")));
    expect(performance.now() - startedAt).toBeLessThan(100);
  });
});

/** Makes one call after the other until `until`; how long each took, and what it ended with. */
async function inTurn(
  call: () => Promise<unknown>,
  until: number,
): Promise<[tookMs: number, code: string][]> {
  const calls: [number, string][] = [];
  while (performance.now() < until) {
    const startedAt = performance.now();
    const code = await call().then(
      () => "OK",
      (error: unknown) => (error as EtcdError).code,
    );
    calls.push([performance.now() - startedAt, code]);
    await new Promise(setImmediate);
  }
  return calls;
}

const share = (calls: [number, string][], aboveMs: number, ofMs: number): number =>
  calls.reduce((sum, [tookMs]) => sum + (tookMs > aboveMs ? tookMs : 0), 0) / ofMs;

const LONG_MS = 20_000;

describe.each(["follower", "leader"])("with a paused %s of three members", (role) => {
  it(
    "one read in a row and one write meet it, and it is used again when it is back",
    { timeout: 60_000 },
    async () => {
      await using cluster = await startEtcdCluster(3);
      await using client = new EtcdClient({ endpoints: cluster.endpoints });
      await using other = new EtcdClient({ endpoints: cluster.endpoints });
      for (let index = 0; index < 6; index += 1) {
        await client.put("a", String(index));
        await other.put("a", String(index));
      }
      const leader = await cluster.leader();
      const paused = cluster.members.find((each) => (each === leader) === (role === "leader")) as EtcdServer;
      await paused.pause();
      const until = performance.now() + LONG_MS;
      const [reads, writes] = await Promise.all([
        inTurn(async () => client.get("a"), until),
        inTurn(async () => other.put("a", "written"), until),
      ]);
      expect(reads.filter(([, code]) => code !== "OK")).toEqual([]);
      // Without a leader the others are slow, too, until there is a new one.
      expect(share(reads, 500, LONG_MS)).toBeLessThan(role === "leader" ? 0.25 : 0.1);
      expect(writes.length).toBeGreaterThan(200);
      expect(writes.filter(([, code]) => code !== "OK").length).toBeLessThanOrEqual(2);
      // The first that met it cost its deadline; after that nothing is slow any more.
      expect(writes.slice(-100).filter(([tookMs]) => tookMs > 500)).toEqual([]);
      for (const each of [client, other]) expect(each.connection.state).toBe("degraded");
      await paused.resume();
      await vi.waitFor(
        async () => {
          for (const each of [client, other]) {
            await each.get("a");
            expect(each.connection.state).toBe("ready");
          }
        },
        { timeout: 10_000, interval: 100 },
      );
    },
  );
});

describe("with everything down", () => {
  it("a read uses the time it was given, and says how long that was", async () => {
    await using own = await startTcpProxy(server.endpoint);
    await using client = new EtcdClient({ endpoints: own.endpoint });
    await client.get("a");
    own.refuse();
    for (let round = 0; round < 4; round += 1) {
      const { error, tookMs } = await rejection(client.get("a", { timeoutMs: 1_500 }));
      expect(error.code).toBe("UNAVAILABLE");
      const saidOfRead = Number(/within (\d+) ms/.exec(error.message)?.[1]);
      expect(Math.abs(saidOfRead - tookMs)).toBeLessThan(50);
      expect(tookMs).toBeGreaterThan(1_380);
      expect(tookMs).toBeLessThan(2_000);
      // A write stops in time to say that it was not applied.
      const write = await rejection(client.put("a", "1", { timeoutMs: 1_500 }));
      expect(write.error.outcome).toBe("notApplied");
      const said = Number(/within (\d+) ms/.exec(write.error.message)?.[1]);
      expect(Math.abs(said - write.tookMs)).toBeLessThan(50);
      expect(write.tookMs).toBeGreaterThan(1_300);
    }
  });
});

describe("an AbortSignal", () => {
  it("that is aborted already keeps the call from being sent", async () => {
    const { calls } = proxy;
    const reason = new Error("changed my mind");
    const { error } = await rejection(etcd.put("never", "1", { signal: AbortSignal.abort(reason) }));
    expect(error).toMatchObject({ code: "ABORTED", outcome: "notApplied" });
    expect(error.cause).toBe(reason);
    expect(proxy.calls).toBe(calls);
    expect(await etcd.get("never")).toBeUndefined();
  });

  it("ends a call under way, of a write with unknown outcome", async () => {
    await etcd.put("a", "1");
    proxy.hold("answers");
    try {
      const controller = new AbortController();
      const { calls } = proxy;
      const write = rejection(etcd.put("during", "1", { signal: controller.signal, timeoutMs: 5_000 }));
      const read = rejection(etcd.get("a", { signal: controller.signal, timeoutMs: 5_000 }));
      await vi.waitFor(() => expect(proxy.calls).toBe(calls + 2));
      controller.abort("enough");
      expect((await write).error).toMatchObject({ code: "ABORTED", outcome: "unknown", cause: "enough" });
      expect((await read).error).toMatchObject({ code: "ABORTED", outcome: undefined });
      expect((await write).tookMs).toBeLessThan(2_000);
    } finally {
      proxy.release();
    }
  });

  it("ends waiting for an endpoint, too", async () => {
    await using own = await startTcpProxy(server.endpoint);
    await using client = new EtcdClient({ endpoints: own.endpoint });
    await client.get("a");
    own.refuse();
    // The client has noticed: a write would otherwise leave on the connection that is just being reset.
    await rejection(client.get("a", { timeoutMs: 100 }));
    const { error, tookMs } = await rejection(client.put("a", "x", { signal: AbortSignal.timeout(300) }));
    expect(error).toMatchObject({ code: "ABORTED", outcome: "notApplied" });
    expect(error.cause).toMatchObject({ name: "TimeoutError" });
    expect(tookMs).toBeLessThan(700);
  });

  it("that aborts afterwards does nothing, and no listener stays on it", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on("warning", onWarning);
    const controller = new AbortController();
    const { signal } = controller;
    await Promise.all(Array.from({ length: 100 }, async () => etcd.get("a", { signal, timeoutMs: 5_000 })));
    await etcd.put("a", "1", { signal });
    const lease = await etcd.leases.grant({ ttlSeconds: 60, signal });
    await etcd.leases.keepAliveOnce(lease, { signal });
    await etcd.leases.revoke(lease, { signal });
    for await (const kv of etcd.scan({ prefix: "" }, { signal, pageSize: 1 })) expect(kv.key).not.toBe("");
    proxy.refuse();
    await rejection(etcd.get("a", { signal }));
    proxy.accept();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    controller.abort();
    await etcd.get("a", { timeoutMs: 5_000 });
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
  });
});

describe("the wall clock", () => {
  const HOUR_MS = 3_600_000;
  afterEach(() => void vi.useRealTimers());

  function jump(ms: number): void {
    const now = Date.now();
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(now + ms);
  }

  it("may jump by an hour, either way, without any call noticing", async () => {
    await using client = new EtcdClient({ endpoints: server.endpoints });
    for (const ms of [HOUR_MS, -HOUR_MS]) {
      jump(ms);
      // Once with a connection still to be made, once over one that stands.
      await using fresh = new EtcdClient({ endpoints: server.endpoints });
      await fresh.put("clock", String(ms));
      expect((await client.get("clock"))?.text()).toBe(String(ms));
      vi.useRealTimers();
    }
  });

  it.each([HOUR_MS, -HOUR_MS])("may jump by %i ms while a call waits for its connection", async (ms) => {
    await using own = await startTcpProxy(server.endpoint);
    own.hold();
    await using client = new EtcdClient({ endpoints: own.endpoint });
    const write = client.put("clock", "waited");
    await vi.waitFor(() => expect(own.connections).toBe(1));
    jump(ms);
    own.release();
    await write;
  });

  it.each([HOUR_MS, -HOUR_MS])("may jump by %i ms while a call waits for its answer", async (ms) => {
    await using own = await startTcpProxy(server.endpoint);
    await using client = new EtcdClient({ endpoints: own.endpoint });
    await client.get("a");
    own.hold("answers");
    const read = client.get("a", { timeoutMs: 600 });
    const lost = rejection(client.put("b", "1", { timeoutMs: 400 }));
    await vi.waitFor(() => expect(own.calls).toBe(3));
    jump(ms);
    expect((await lost).tookMs).toBeGreaterThan(350);
    own.release();
    expect((await read)?.key).toBe("a");
  });
});

describe("many calls", () => {
  it("leave nothing behind", async () => {
    await using client = new EtcdClient({ endpoints: server.endpoints });
    const { signal } = new AbortController();
    const round = async (): Promise<void> => {
      for (let index = 0; index < 40; index += 1) {
        await Promise.all(Array.from({ length: 50 }, async () => client.get("a", { signal })));
      }
    };
    await round();
    const timers = (): number => process.getActiveResourcesInfo().filter((each) => each === "Timeout").length;
    const before = timers();
    await round();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    expect(timers()).toBeLessThanOrEqual(before);
  });
});
