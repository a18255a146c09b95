import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { EtcdClient } from "@quorumkit/core";
import { type ServiceHandlers, services, ServingStatus } from "@quorumkit/proto";
import { type EtcdServer, startEtcd, startEtcdCluster } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { EndpointPool } from "../src/transport/endpoint-pool.ts";
import { checkHealth } from "../src/transport/endpoint-health.ts";
import { parseEndpoints } from "../src/transport/endpoint-url.ts";
import type { Endpoint } from "../src/transport/endpoint.ts";
import { runProgram } from "./support/run-program.ts";
import { startTcpProxy } from "./support/tcp-proxy.ts";

/** Long enough for a machine with much else to do. */
const EVENTUALLY = { timeout: 15_000 };

let server: EtcdServer;
beforeAll(async () => {
  server = await startEtcd();
});
afterAll(async () => {
  await server.close();
});

/** A gRPC server whose health says what it is told to, or which has no health service. */
async function startHealthServer(
  health: (() => ServingStatus) | undefined,
): Promise<{ readonly url: string; checks: number; stop(): void }> {
  const grpc = new Server();
  const fake = { url: "", checks: 0, stop: () => grpc.forceShutdown() };
  if (health !== undefined) {
    const handlers: Pick<ServiceHandlers<typeof services.health>, "check"> = {
      check: (_call, answer) => {
        fake.checks += 1;
        answer(null, { status: health() });
      },
    };
    grpc.addService({ check: services.health.check }, handlers);
  }
  const port = await new Promise<number>((resolve, reject) => {
    grpc.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  fake.url = `http://127.0.0.1:${port}`;
  return fake;
}

/** Asks one endpoint for its health, through a pool of its own. */
async function healthOf(url: string, timeoutMs = 5_000): Promise<boolean> {
  const pool = new EndpointPool(parseEndpoints(url), "direct");
  try {
    const { signal } = new AbortController();
    return (await checkHealth((pool.seeds[0] as Endpoint).calls, { timeoutMs, signal })).healthy;
  } finally {
    pool.close();
  }
}

/** What the connection knows of one endpoint. */
function stateOf(etcd: EtcdClient, url: string): string | undefined {
  return etcd.connection.endpoints.find((each) => each.url === url)?.state;
}

describe("a health check", () => {
  it("passes on a member that serves, also when etcd wants a login", async () => {
    await using locked = await startEtcd();
    expect(await healthOf(locked.endpoint)).toBe(true);
    await locked.etcdctl(["user", "add", "root:secret"]);
    await locked.etcdctl(["user", "grant-role", "root", "root"]);
    await locked.etcdctl(["auth", "enable"]);
    expect(await healthOf(locked.endpoint)).toBe(true);
  });

  it("passes on a server that knows no health service, and fails where nobody is or nobody answers", async () => {
    const silent = await startHealthServer(undefined);
    expect(await healthOf(silent.url)).toBe(true);
    silent.stop();
    expect(await healthOf(silent.url)).toBe(false);
    await using proxy = await startTcpProxy(server.endpoint);
    proxy.hold();
    expect(await healthOf(proxy.endpoint, 300)).toBe(false);
  });

  it("fails on a server that says it does not serve", async () => {
    let serving: ServingStatus = ServingStatus.NOT_SERVING;
    const fake = await startHealthServer(() => serving);
    expect(await healthOf(fake.url)).toBe(false);
    serving = ServingStatus.SERVING;
    expect(await healthOf(fake.url)).toBe(true);
    fake.stop();
  });
});

describe("a failing endpoint", () => {
  it("is brought back by health checks alone: no call has to try it", async () => {
    await using failing = await startTcpProxy(server.endpoint);
    await using sound = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: [failing.endpoint, sound.endpoint] });
    // A watch on the sound one is all that goes on.
    failing.refuse();
    await using watcher = etcd.watch("health/watched", { startRevision: 1n });
    await vi.waitFor(async () => {
      await etcd.get("health/any");
      expect(stateOf(etcd, failing.endpoint)).toBe("failing");
    }, EVENTUALLY);
    await watcher.ready();
    expect(etcd.connection.state).toBe("degraded");
    failing.accept();
    await vi.waitFor(() => expect(etcd.connection.state).toBe("ready"), { timeout: 10_000 });
    expect(stateOf(etcd, failing.endpoint)).toBe("ready");
  });

  it("is not asked while the client has nothing to do", async () => {
    let serving: ServingStatus = ServingStatus.NOT_SERVING;
    const fake = await startHealthServer(() => serving);
    const pool = new EndpointPool(parseEndpoints(fake.url), "direct");
    const endpoint = pool.seeds[0] as Endpoint;
    try {
      pool.pick();
      endpoint.failed("Connection dropped", performance.now());
      await vi.waitFor(() => {
        pool.pick({ only: endpoint });
        expect(fake.checks).toBeGreaterThan(0);
      }, EVENTUALLY);
      // Awake, it would ask at least once a second.
      let before = -1;
      const stable = (): void => {
        const [earlier, now] = [before, fake.checks];
        before = now;
        expect(now).toBe(earlier);
      };
      await vi.waitFor(stable, { interval: 2_500, timeout: 12_000 });
      // Nobody asks, so nobody knows, until something is under way again.
      serving = ServingStatus.SERVING;
      expect(pool.monitor.state).toBe("unavailable");
      pool.pick({ only: endpoint });
      endpoint.track({ cancel: () => {} });
      await vi.waitFor(() => expect(pool.monitor.state).toBe("ready"), { timeout: 10_000 });
    } finally {
      pool.close();
      fake.stop();
    }
  });

  it("that says it does not serve is left alone until it does, though it takes calls", async () => {
    let serving: ServingStatus = ServingStatus.SERVING;
    const fake = await startHealthServer(() => serving);
    const [address] = parseEndpoints(fake.url);
    const pool = new EndpointPool([address as NonNullable<typeof address>], "direct");
    const endpoint = pool.seeds[0] as Endpoint;
    try {
      serving = ServingStatus.NOT_SERVING;
      pool.pick();
      endpoint.succeeded();
      // As a call would find it: the connection broke.
      endpoint.failed("Connection dropped", performance.now());
      const checked = fake.checks;
      const keepBusy = setInterval(() => pool.pick({ only: endpoint }), 20);
      await vi.waitFor(() => expect(fake.checks).toBeGreaterThan(checked + 2), { timeout: 10_000 });
      expect(endpoint.failing).toBe(true);
      expect(endpoint.lastError).toContain("not serving");
      serving = ServingStatus.SERVING;
      await vi.waitFor(() => expect(endpoint.failing).toBe(false), { timeout: 10_000 });
      clearInterval(keepBusy);
    } finally {
      pool.close();
      fake.stop();
    }
  });

  it("whose calls hang is not trusted because its health check passes, and no call tries it", () => {
    const pool = new EndpointPool(parseEndpoints(["http://127.0.0.1:1", "http://127.0.0.1:2"]), "direct");
    const [hanging, sound] = pool.seeds as [Endpoint, Endpoint];
    hanging.failed("Deadline exceeded after 2.5s", performance.now());
    hanging.checkPassed(false, performance.now());
    expect([hanging.failing, hanging.vouched]).toEqual([true, true]);
    for (let i = 0; i < 4; i += 1) expect(pool.pick()).toBe(sound);
    // Not even where another was to be had.
    expect(pool.pick({ avoid: sound })).toBe(sound);
    hanging.checkPassed(true, performance.now());
    expect([hanging.failing, hanging.vouched]).toEqual([false, false]);
    pool.close();
  });

  it("is trusted by its health check some seconds after it refused a call, and long after it hung", () => {
    vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
    const pool = new EndpointPool(parseEndpoints("http://127.0.0.1:1"), "direct");
    const [endpoint] = pool.seeds as [Endpoint];
    try {
      for (const [reason, enoughMs] of [
        ["etcdserver: no leader", 6_000],
        ["Deadline exceeded after 2.5s", 31_000],
      ] as const) {
        endpoint.failed(reason, performance.now());
        vi.advanceTimersByTime(enoughMs / 2);
        endpoint.checkPassed(false, performance.now());
        expect(endpoint.failing).toBe(true);
        vi.advanceTimersByTime(enoughMs / 2);
        endpoint.checkPassed(false, performance.now());
        expect(endpoint.failing).toBe(false);
      }
    } finally {
      pool.close();
      vi.useRealTimers();
    }
  });

  it("that could not be reached is trusted when its health check passes", () => {
    const pool = new EndpointPool(parseEndpoints("http://127.0.0.1:1"), "direct");
    const [endpoint] = pool.seeds as [Endpoint];
    endpoint.failed("No connection established. Last error: connect ECONNREFUSED", performance.now());
    endpoint.checkPassed(false, performance.now());
    expect(endpoint.failing).toBe(false);
    pool.close();
  });
});

describe("background checks", () => {
  it("keep no process alive, also when nobody closes the client", async () => {
    const program = `
      import { EtcdClient } from "@quorumkit/core";
      const [good, dead] = process.argv.slice(2);
      const etcd = new EtcdClient({ endpoints: [good, dead], syncEndpointsMs: 100 });
      for (let i = 0; i < 100 && etcd.connection.state !== "degraded"; i += 1) await etcd.get("a");
      console.log(etcd.connection.state);
    `;
    const { code, stdout, stderr } = await runProgram(program, [server.endpoint, "http://127.0.0.1:9"]);
    expect([code, stdout.trim(), stderr]).toEqual([0, "degraded", ""]);
    const working = `
      import { EtcdClient } from "@quorumkit/core";
      const etcd = new EtcdClient({ endpoints: process.argv[2], syncEndpointsMs: 60_000 });
      await etcd.get("a");
      const doneAt = performance.now();
      process.on("exit", () => console.log(Math.round(performance.now() - doneAt)));
    `;
    const ended = await runProgram(working, [server.endpoint]);
    expect([ended.code, ended.stderr]).toEqual([0, ""]);
    expect(Number(ended.stdout)).toBeLessThan(4_000);
  });

  it("find out that a server does not serve any more before a call does", { timeout: 40_000 }, async () => {
    let serving: ServingStatus = ServingStatus.SERVING;
    const fake = await startHealthServer(() => serving);
    const pool = new EndpointPool(parseEndpoints(fake.url), "direct");
    const endpoint = pool.seeds[0] as Endpoint;
    const running = { cancel: () => {} };
    try {
      pool.pick();
      endpoint.succeeded();
      const untrack = endpoint.track(running);
      expect(pool.monitor.state).toBe("ready");
      serving = ServingStatus.NOT_SERVING;
      await vi.waitFor(() => expect(pool.monitor.state).toBe("unavailable"), { timeout: 20_000 });
      expect(fake.checks).toBeGreaterThan(0);
      untrack();
    } finally {
      pool.close();
      fake.stop();
    }
  });
});

describe("a learner", () => {
  it("stays one though it answers what is asked of itself, until it may have been promoted", () => {
    vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
    const pool = new EndpointPool(parseEndpoints("http://127.0.0.1:1"), "direct");
    const [endpoint] = pool.seeds as [Endpoint];
    try {
      endpoint.failed("etcdserver: rpc not supported for learner", performance.now());
      expect(endpoint.learner).toBe(true);
      expect(pool.pick()).toBeGreaterThan(9_000);
      // Asked by name it is not waited for.
      expect(pool.pick({ only: endpoint })).toBe(endpoint);
      endpoint.succeeded();
      endpoint.checkPassed(true, performance.now());
      expect(endpoint.learner).toBe(true);
      vi.advanceTimersByTime(10_000);
      expect(pool.pick()).toBe(endpoint);
      endpoint.succeeded();
      expect([endpoint.learner, endpoint.failing]).toEqual([false, false]);
    } finally {
      pool.close();
      vi.useRealTimers();
    }
  });

  it("that refuses a call is set aside for long, and the call goes elsewhere", async () => {
    const refused = "etcdserver: rpc not supported for learner";
    const grpc = new Server();
    const handlers: Pick<ServiceHandlers<typeof services.kv>, "range"> = {
      range: (_call, answer) => answer({ code: status.UNAVAILABLE, details: refused }),
    };
    let calls = 0;
    grpc.addService(
      { range: services.kv.range },
      {
        range: (...args: Parameters<typeof handlers.range>) => {
          calls += 1;
          handlers.range(...args);
        },
      },
    );
    const port = await new Promise<number>((resolve) => {
      grpc.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_error, bound) => resolve(bound));
    });
    const url = `http://127.0.0.1:${port}`;
    try {
      await using etcd = new EtcdClient({ endpoints: [url, server.endpoint], coalesce: { reads: false } });
      for (let i = 0; i < 20; i += 1) await etcd.get("learner/any");
      expect(calls).toBe(1);
      expect(stateOf(etcd, url)).toBe("learner");
      expect(etcd.connection.state).toBe("ready");
      // Behind a proxy the same words are one member's, and no reason to leave the address out.
      await using behind = new EtcdClient({
        endpoints: [url, server.endpoint],
        topology: "proxy",
        coalesce: { reads: false },
      });
      await vi.waitFor(async () => {
        await behind.get("learner/any");
        expect(stateOf(behind, url)).toBe("failing");
      }, EVENTUALLY);
      const before = calls;
      await vi.waitFor(async () => {
        await behind.get("learner/any");
        expect(calls).toBeGreaterThan(before);
      }, EVENTUALLY);
    } finally {
      grpc.forceShutdown();
    }
  });
});

describe("a cluster", () => {
  it("is used through the members that live, and wholly again when the dead one is back", async () => {
    await using cluster = await startEtcdCluster(3);
    const [first] = cluster.members as readonly [EtcdServer, ...EtcdServer[]];
    await using etcd = new EtcdClient({ endpoints: cluster.endpoints });
    await using session = await etcd.openSession({ ttlSeconds: 10 });
    await vi.waitFor(async () => {
      await etcd.get("health/any");
      expect(etcd.connection.endpoints.map(({ state }) => state)).toEqual(["ready", "ready", "ready"]);
    }, EVENTUALLY);
    await first.kill();
    await vi.waitFor(
      async () => {
        await etcd.get("health/any").catch(() => {});
        expect(stateOf(etcd, first.endpoint)).toBe("failing");
      },
      { timeout: 15_000 },
    );
    await first.restart();
    // Without a call: the session is reason enough to look.
    await vi.waitFor(() => expect(stateOf(etcd, first.endpoint)).toBe("ready"), { timeout: 15_000 });
    expect(session.alive).toBe(true);
  });
});

describe("the topology option", () => {
  it("refuses what it does not know", () => {
    expect(() => new EtcdClient({ endpoints: "a:1", topology: "mesh" as "proxy" })).toThrow(
      new TypeError('topology must be "direct" or "proxy", received "mesh"'),
    );
  });

  it("proxy asks for another connection, and so another member, when one says that it has no leader", async () => {
    const grpc = new Server();
    const range: ServiceHandlers<typeof services.kv>["range"] = (_call, answer) =>
      answer({ code: status.UNAVAILABLE, details: "etcdserver: no leader" });
    grpc.addService({ range: services.kv.range }, { range });
    const port = await new Promise<number>((resolve) => {
      grpc.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_error, bound) => resolve(bound));
    });
    try {
      for (const topology of ["direct", "proxy"] as const) {
        await using balancer = await startTcpProxy(`http://127.0.0.1:${port}`);
        await using etcd = new EtcdClient({ endpoints: balancer.endpoint, topology, timeoutMs: 1_000 });
        await expect(etcd.range("a", { timeoutMs: 100 })).rejects.toMatchObject({ code: "NO_LEADER" });
        // From here on it sends new connections to a member that has one; the old connections stay where they are.
        balancer.retarget(server.endpoint);
        const answer = etcd.range("a").then(
          () => "answered",
          (error: unknown) => (error as { code: string }).code,
        );
        expect(await answer).toBe(topology === "proxy" ? "answered" : "NO_LEADER");
      }
    } finally {
      grpc.forceShutdown();
    }
  });

  it("proxy sets aside for a moment only", async () => {
    const listener = createServer();
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
    listener.close();
    const [direct, proxy] = (["direct", "proxy"] as const).map((topology) => {
      const pool = new EndpointPool(parseEndpoints(url), topology);
      const endpoint = pool.seeds[0] as Endpoint;
      for (let i = 0; i < 10; i += 1) {
        endpoint.claim();
        endpoint.failed("Connection dropped", performance.now());
      }
      const asideMs = endpoint.retryAt - performance.now();
      pool.close();
      return asideMs;
    }) as [number, number];
    expect(direct).toBeGreaterThan(400);
    expect(proxy).toBeLessThanOrEqual(200);
  });
});
