import { EtcdClient } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startTcpProxy } from "./support/tcp-proxy.ts";

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

/** For a busy machine: what is waited for comes in a moment. */
const PATIENCE = { timeout: 10_000 };

/** So long that a lease left behind would be found. */
const TTL = 600;

describe("opening a session", () => {
  it("that is aborted after its lease was granted leaves no lease", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    await etcd.get("warm");
    proxy.hold("answers");
    const controller = new AbortController();
    const opening = etcd.openSession({ ttlSeconds: TTL, signal: controller.signal });
    await expect.poll(async () => observer.leases.list(), PATIENCE).toHaveLength(1);
    controller.abort(new Error("not wanted any more"));
    await expect(opening).rejects.toMatchObject({ code: "ABORTED", outcome: "unknown" });
    proxy.release();
    await expect.poll(async () => observer.leases.list(), PATIENCE).toEqual([]);
  });

  it("that timed out leaves no lease either, though its grant arrives later", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    await etcd.get("warm");
    // Far longer than it takes to look that it is not there yet.
    proxy.delay("requests", 800);
    const opening = etcd.openSession({ ttlSeconds: TTL, timeoutMs: 200 });
    await expect(opening).rejects.toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
    expect(await observer.leases.list()).toEqual([]);
    // Closing waits for what is being undone.
    await etcd.close();
    proxy.delay("requests", 0);
    expect(await observer.leases.list()).toEqual([]);
  });

  it("that never reached etcd has nothing to undo", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    await etcd.get("warm");
    const { calls } = proxy;
    await expect(etcd.openSession({ signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "ABORTED",
      outcome: "notApplied",
    });
    await etcd.get("warm");
    expect(proxy.calls).toBe(calls + 1);
    expect(await observer.leases.list()).toEqual([]);
  });

  it("waits for its turn behind others no longer than it may", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    await etcd.get("warm");
    proxy.hold("answers");
    const { calls } = proxy;
    const many = Array.from({ length: 1_000 }, async () =>
      etcd.openSession({ ttlSeconds: TTL, timeoutMs: 60_000 }),
    );
    await vi.waitFor(() => expect(proxy.calls).toBeGreaterThanOrEqual(calls + 32), PATIENCE);
    const controller = new AbortController();
    const aborted = etcd.openSession({ signal: controller.signal });
    await expect(etcd.openSession({ timeoutMs: 100 })).rejects.toMatchObject({
      code: "TIMEOUT",
      outcome: "notApplied",
    });
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: "ABORTED", outcome: "notApplied" });
    expect(proxy.calls).toBeLessThan(calls + 100);
    proxy.release();
    const sessions = await Promise.all(many);
    // Each counts from when its own grant was sent, however long it waited for its turn.
    expect(Math.min(...sessions.slice(-100).map(({ remainingMs }) => remainingMs))).toBeGreaterThan(
      0.98 * TTL * 1_000,
    );
    await Promise.all(sessions.map(async (session) => session.close()));
    expect(await observer.leases.list()).toEqual([]);
  });
});

describe("a session's signal", () => {
  it("that is asked for after the end is aborted, with the reason", async () => {
    await using etcd = new EtcdClient({ endpoints: server.endpoints });
    const session = await etcd.openSession();
    await session.close();
    expect(session.signal.aborted).toBe(true);
    expect(session.signal.reason).toMatchObject({ code: "CLOSED" });
    expect(session.signal).toBe(session.signal);
  });
});
