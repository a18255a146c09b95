import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { compare, EtcdClient, EtcdError, isEtcdError, op } from "@quorumkit/core";
import { type EtcdServer, startEtcd, startEtcdCluster } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rpcCount } from "./support/rpc-count.ts";
import { ClusterConnection } from "../src/transport/cluster-connection.ts";
import { parseEndpoints } from "../src/transport/endpoint-url.ts";
import * as rpcs from "../src/transport/rpcs.ts";
import { startTcpProxy } from "./support/tcp-proxy.ts";

let server: EtcdServer;
let direct: EtcdClient;
beforeAll(async () => {
  server = await startEtcd();
  direct = new EtcdClient({ endpoints: server.endpoints });
});
afterAll(async () => {
  await direct.close();
  await server.close();
});

/** An address where nobody listens. */
async function deadEndpoint(): Promise<string> {
  const listener = createServer();
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, "close");
  return `http://127.0.0.1:${port}`;
}

async function failureOf(promise: Promise<unknown>): Promise<EtcdError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EtcdError);
  return error as EtcdError;
}

describe("a lost answer", () => {
  it("to a write is told as unknown, and the write is not sent again", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using other = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: [proxy.endpoint, other.endpoint] });
    // One of the two gets it; the other would get a repetition.
    const methods = { put: "Put", delete: "DeleteRange", txn: "Txn" } as const;
    for (const name of ["put", "delete", "txn"] as const) {
      await direct.put(`lost/${name}`, "before");
      const lost = Promise.race([proxy.loseNextAnswer(), other.loseNextAnswer()]);
      const callsBefore = await rpcCount(server, methods[name]);
      const key = `lost/${name}`;
      const write =
        name === "put"
          ? etcd.put(key, "after")
          : name === "delete"
            ? etcd.delete(key)
            : etcd.txn().then(op.put(key, "after")).commit();
      const error = await failureOf(write);
      await lost;
      expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: "unknown" });
      expect((await rpcCount(server, methods[name])) - callsBefore).toBe(1);
      expect((await direct.get(key))?.version).toBe(name === "delete" ? undefined : 2n);
      // Whichever of the two was not used is armed still: use it up.
      for (let index = 0; index < 4; index += 1) await etcd.get(key);
    }
  });

  it("to a read, or a write said to be repeatable, is asked for again", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    await etcd.put("again", "1");
    let lost = proxy.loseNextAnswer();
    expect((await etcd.get("again"))?.text()).toBe("1");
    await lost;
    lost = proxy.loseNextAnswer();
    const txn = etcd.txn().if(compare("again").version.equals(1n)).then(op.put("again", "2"));
    const { succeeded } = await txn.commit({ repeatable: true });
    await lost;
    // The first sending did it, so the second finds it done.
    expect(succeeded).toBe(false);
    expect((await etcd.get("again"))?.version).toBe(2n);
  });

  it("to a revoke is found to be done by the second sending", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    const lease = await etcd.leases.grant({ ttlSeconds: 60 });
    const lost = proxy.loseNextAnswer();
    await etcd.leases.revoke(lease);
    await lost;
    expect(await etcd.leases.list()).not.toContain(lease.id);
  });
});

describe("a dead endpoint", () => {
  it("costs neither reads nor writes anything where another lives", async () => {
    const dead = await deadEndpoint();
    await using etcd = new EtcdClient({ endpoints: [dead, server.endpoint] });
    for (let index = 0; index < 20; index += 1) {
      await etcd.put("dead/written", String(index));
      expect((await etcd.get("dead/written"))?.text()).toBe(String(index));
    }
    expect((await etcd.get("dead/written"))?.version).toBe(20n);
  });

  it("that takes connections and says nothing does not hold up a write beyond its share", async () => {
    await using mute = await startTcpProxy(server.endpoint);
    mute.hold();
    await using etcd = new EtcdClient({ endpoints: [mute.endpoint, server.endpoint], timeoutMs: 2_000 });
    for (let index = 0; index < 4; index += 1) await etcd.put("mute/written", String(index));
    expect((await etcd.get("mute/written"))?.version).toBe(4n);
    expect(mute.calls).toBe(0);
  });

  it("and another say so together, with their causes, and that nothing was applied", async () => {
    const endpoints = [await deadEndpoint(), await deadEndpoint()];
    await using etcd = new EtcdClient({ endpoints, timeoutMs: 500 });
    const startedAt = performance.now();
    const error = await failureOf(etcd.put("nowhere", "1"));
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: "notApplied" });
    for (const endpoint of endpoints) expect(error.message).toContain(endpoint);
    expect(error.message).toContain("ECONNREFUSED");
    expect(error.cause).toBeInstanceOf(Error);
    const read = await failureOf(etcd.get("nowhere"));
    expect(read).toMatchObject({ code: "UNAVAILABLE", outcome: undefined });
  });

  it("is used again soon after it came back, by all that wait for it at the same time", async () => {
    await using own = await startEtcd();
    await using etcd = new EtcdClient({ endpoints: own.endpoints });
    await etcd.put("back", "1");
    await own.kill();
    // A write that leaves in the moment in which the connection breaks is unknown, and rightly so.
    await failureOf(etcd.get("back", { timeoutMs: 200 }));
    // Long enough for the time aside to have grown as far as it does.
    await expect(etcd.put("back", "2", { timeoutMs: 6_000 })).rejects.toMatchObject({
      code: "UNAVAILABLE",
      outcome: "notApplied",
    });
    const waiting = Array.from({ length: 20 }, async () => {
      await etcd.get("back", { timeoutMs: 20_000 });
      return performance.now();
    });
    await own.restart();
    const readyAt = performance.now();
    await etcd.put("back", "3");
    const times = await Promise.all(waiting);
    // The longest time aside is a second, and a busy machine takes its own; a deadline is 20 s.
    expect(Math.max(...times) - readyAt).toBeLessThan(5_000);
    expect(Math.max(...times) - Math.min(...times)).toBeLessThan(1_000);
  });
});

describe("a refusal after a lost answer", () => {
  it("cannot tell that nothing was applied", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    await etcd.get("warm");
    const lost = proxy.loseNextAnswer();
    // The first sending grants it; the second is told that it exists.
    const error = await failureOf(etcd.leases.grant({ ttlSeconds: 60, id: 815n }));
    await lost;
    expect(error).toMatchObject({ code: "LEASE_EXISTS", outcome: "unknown" });
    await direct.leases.revoke(815n);
  });
});

describe("a request that cannot be encoded", () => {
  it("was certainly not applied: it is not sent, and not tried again", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    const connection = new ClusterConnection({
      endpoints: parseEndpoints(proxy.endpoint),
      timeoutMs: 5_000,
    });
    try {
      await connection.unary(rpcs.range, { key: Buffer.from("warm") });
      const { calls } = proxy;
      const cause = new RangeError("no such number");
      let tries = 0;
      const requestSerialize = (): Buffer => {
        tries += 1;
        throw cause;
      };
      const put = { ...rpcs.put, method: { ...rpcs.put.method, requestSerialize } };
      const error = await failureOf(connection.unary(put, { key: Buffer.from("odd") }));
      expect(error).toMatchObject({ code: "INTERNAL", outcome: "notApplied", cause: { cause } });
      expect(error.message).toContain("no such number");
      expect(tries).toBe(1);
      await connection.unary(rpcs.range, { key: Buffer.from("odd") });
      expect(proxy.calls).toBe(calls + 1);
    } finally {
      connection.close();
    }
  });
});

describe("a leader killed under load", () => {
  it("loses no increment that was confirmed, and doubles none", async () => {
    await using cluster = await startEtcdCluster(3);
    await using etcd = new EtcdClient({ endpoints: cluster.endpoints, timeoutMs: 3_000 });
    const counters = ["a", "b", "c", "d"].map((name) => `counter/${name}`);
    const stop = new AbortController();
    const count = async (key: string): Promise<{ done: number; unknown: number; refused: number }> => {
      const tally = { done: 0, unknown: 0, refused: 0 };
      while (!stop.signal.aborted) {
        try {
          const now = await etcd.get(key);
          const value = Number(now?.text() ?? 0);
          const { succeeded } = await etcd
            .txn()
            .if(compare(key).modRevision.equals(now?.modRevision ?? 0n))
            .then(op.put(key, String(value + 1)))
            .commit();
          // Nobody else writes this key, so a failed compare means that a sending before was applied after all.
          if (succeeded) tally.done += 1;
          else tally.refused += 1;
        } catch (error) {
          if (!isEtcdError(error)) throw error;
          if (error.outcome === "unknown") tally.unknown += 1;
        }
      }
      return tally;
    };
    const running = Promise.all(counters.map(async (key) => count(key)));
    const total = async (): Promise<number> => {
      const { kvs } = await etcd.range({ prefix: "counter/" }, { timeoutMs: 10_000 });
      return kvs.reduce((sum, kv) => sum + Number(kv.text()), 0);
    };
    await expect.poll(total).toBeGreaterThan(100);
    await (await cluster.leader()).kill();
    const atKill = await total();
    await expect.poll(total, { timeout: 20_000 }).toBeGreaterThan(atKill + 100);
    stop.abort();
    const tallies = await running;
    for (const [index, key] of counters.entries()) {
      const tally = tallies[index] as Awaited<ReturnType<typeof count>>;
      const value = Number((await etcd.get(key))?.text());
      // Every confirmed one is there, and beyond those at most the ones of unknown outcome.
      expect(value).toBeGreaterThanOrEqual(tally.done);
      expect(value).toBeLessThanOrEqual(tally.done + tally.unknown);
      expect(tally.refused).toBeLessThanOrEqual(tally.unknown);
    }
  });
});
