import { EtcdClient, isEtcdError } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startTcpProxy } from "./support/tcp-proxy.ts";

let server: EtcdServer;
beforeAll(async () => {
  server = await startEtcd();
});
afterAll(async () => {
  await server.close();
});

describe("connections that are dead without saying so, to the only endpoint there is", () => {
  it("cost one call; the next, watches and mirrors get a new one long before pings find out", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint, timeoutMs: 2_000 });
    await using session = await etcd.openSession({ ttlSeconds: 5 });
    await etcd.put("half/a", "1");
    await using watcher = etcd.watch("half/a");
    await watcher.ready();
    const states: string[] = [];
    watcher.on("state", (state) => states.push(state));
    await using mirror = await etcd.mirror({ prefix: "half/" });
    const mirrorStates: string[] = [];
    mirror.on("state", (state) => mirrorStates.push(state));
    // A channel younger than two seconds is not replaced.
    const until = performance.now() + 2_100;
    await vi.waitFor(() => expect(performance.now()).toBeGreaterThan(until), { timeout: 5_000 });
    proxy.strand();
    const startedAt = performance.now();
    await expect(etcd.get("half/a")).rejects.toSatisfy((error) => isEtcdError(error, "TIMEOUT"));
    expect((await etcd.get("half/a"))?.text()).toBe("1");
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    await etcd.put("half/a", "2");
    await vi.waitFor(() => expect(mirror.get("half/a")?.text()).toBe("2"), { timeout: 5_000 });
    await vi.waitFor(() => expect(states).toEqual(["interrupted", "live"]), { timeout: 5_000 });
    expect(mirrorStates[0]).toBe("stale");
    await vi.waitFor(() => expect(mirror.state).toBe("live"), { timeout: 5_000 });
    expect(performance.now() - startedAt).toBeLessThan(6_000);
    expect(session.alive).toBe(true);
  });

  it("are found out by lease renewals for the watches beside them", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    await using session = await etcd.openSession({ ttlSeconds: 2 });
    await etcd.put("half/b", "1");
    await using watcher = etcd.watch("half/b");
    await watcher.ready();
    const interrupted = new Promise<number>((resolve) => {
      watcher.on("state", (state) => {
        if (state === "interrupted") resolve(performance.now());
      });
    });
    proxy.strand();
    const startedAt = performance.now();
    expect((await interrupted) - startedAt).toBeLessThan(6_000);
    await vi.waitFor(() => expect(watcher.state).toBe("live"), { timeout: 5_000 });
    expect(session.alive).toBe(true);
  });

  it("are not suspected where only one call is slow: streams stay", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    await using watcher = etcd.watch("half/c");
    await watcher.ready();
    const states: string[] = [];
    watcher.on("state", (state) => states.push(state));
    proxy.delay("answers", 600);
    await expect(etcd.get("half/c", { timeoutMs: 400 })).rejects.toSatisfy((error) =>
      isEtcdError(error, "TIMEOUT"),
    );
    expect(await etcd.get("half/c")).toBeUndefined();
    expect(await etcd.get("half/c")).toBeUndefined();
    expect(states).toEqual([]);
  });
});
