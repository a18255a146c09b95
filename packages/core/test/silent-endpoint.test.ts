import { type ClientOptions, EtcdClient, type Lease } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startTcpProxy, type TcpProxy } from "./support/tcp-proxy.ts";

let server: EtcdServer;
let direct: EtcdClient;
let lease: Lease;
/** They accept connections and say nothing, as a member that is stopped does. */
let silent: readonly TcpProxy[];
beforeAll(async () => {
  server = await startEtcd();
  direct = new EtcdClient({ endpoints: server.endpoints });
  lease = await direct.leases.grant({ ttlSeconds: 600 });
  await direct.electionService.campaign("election", "boss", { lease });
  silent = [await startTcpProxy(server.endpoint), await startTcpProxy(server.endpoint)];
  for (const proxy of silent) proxy.hold();
});
afterAll(async () => {
  for (const proxy of silent) await proxy.close();
  await direct.close();
  await server.close();
});

/** A client whose first call goes to the first of its endpoints. */
function clientOf(options: ClientOptions): EtcdClient {
  const random = vi.spyOn(Math, "random").mockReturnValue(0);
  try {
    return new EtcdClient(options);
  } finally {
    random.mockRestore();
  }
}

async function firstOf(etcd: EtcdClient): Promise<string | undefined> {
  for await (const kv of etcd.electionService.observe("election")) return kv.text();
  return undefined;
}

async function sizeOf(etcd: EtcdClient): Promise<number> {
  let bytes = 0;
  for await (const piece of etcd.maintenance.snapshot()) bytes += piece.length;
  return bytes;
}

const calls: Readonly<Record<string, (etcd: EtcdClient) => Promise<unknown>>> = {
  "a renewal": async (etcd) => expect(await etcd.leases.keepAliveOnce(lease)).toBe(600),
  "an observation": async (etcd) => expect(await firstOf(etcd)).toBe("boss"),
  "a snapshot": async (etcd) => expect(await sizeOf(etcd)).toBeGreaterThan(0),
};

describe("a member that takes connections and says nothing", () => {
  it.each(Object.keys(calls))("holds up %s by about a second", async (name) => {
    const [first] = silent;
    await using etcd = clientOf({ endpoints: [first?.endpoint ?? "", server.endpoint] });
    const tookMs = async (): Promise<number> => {
      const startedAt = performance.now();
      await calls[name]?.(etcd);
      return performance.now() - startedAt;
    };
    const firstMs = await tookMs();
    expect(firstMs).toBeGreaterThan(900);
    expect(firstMs).toBeLessThan(3_000);
    // It is known by now.
    for (let index = 0; index < 3; index += 1) expect(await tookMs()).toBeLessThan(900);
  });

  it("holds up no call that waits without end for longer than a few seconds", async () => {
    const endpoints = [...silent.map(({ endpoint }) => endpoint), server.endpoint];
    const waits = [
      async (etcd: EtcdClient) => etcd.lockService.lock("lock", { lease }),
      async (etcd: EtcdClient) => etcd.electionService.campaign("election", "boss", { lease }),
    ];
    const startedAt = performance.now();
    await Promise.all(
      waits.map(async (wait) => {
        await using etcd = clientOf({ endpoints });
        await wait(etcd);
      }),
    );
    expect(performance.now() - startedAt).toBeLessThan(12_000);
  });
});

describe("a member that stops when it is connected", () => {
  it.each(["a renewal", "a snapshot"])("holds up %s by about a second, and only once", async (name) => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = clientOf({ endpoints: [proxy.endpoint, server.endpoint] });
    const call = async (): Promise<unknown> => calls[name]?.(etcd);
    for (let index = 0; index < 4; index += 1) await call();
    proxy.hold();
    const startedAt = performance.now();
    for (let index = 0; index < 4; index += 1) await call();
    expect(performance.now() - startedAt).toBeGreaterThan(900);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });
});
