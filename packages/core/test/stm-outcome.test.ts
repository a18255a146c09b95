import { EtcdClient, isEtcdError } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTcpProxy, type TcpProxy } from "./support/tcp-proxy.ts";

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

let names = 0;
const newName = (): string => `stm-outcome-test/${names++}`;

/** Adds one to a key as text; `before` runs right before the first commit. */
async function increment(
  etcd: EtcdClient,
  key: string,
  before: () => unknown = () => {},
): Promise<{ runs: number; attempts: number }> {
  let runs = 0;
  const { attempts } = await etcd.stm(async (tx) => {
    runs += 1;
    const now = Number((await tx.get(key))?.text() ?? 0);
    await tx.get(`${key}/other`);
    tx.put(key, String(now + 1));
    if (runs === 1) before();
  });
  return { runs, attempts };
}

/** Swallows the next call on its way to the server. */
function swallowNextCall(proxy: TcpProxy, then: () => Promise<unknown> = async () => {}): Promise<void> {
  const { calls } = proxy;
  proxy.hold("requests");
  return (async () => {
    await expect.poll(() => proxy.calls, { interval: 2 }).toBeGreaterThan(calls);
    await then();
    proxy.cut();
    proxy.release();
  })();
}

describe("the answer to a commit is lost", () => {
  it("after it was applied: it is told as unknown, and is not applied again", async () => {
    const key = newName();
    await direct.put(key, "1");
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    const lost = increment(etcd, key, () => void proxy.loseNextAnswer());
    await expect(lost).rejects.toMatchObject({ code: "UNAVAILABLE", outcome: "unknown" });
    const kv = await direct.get(key);
    expect([kv?.text(), kv?.version]).toEqual(["2", 2n]);
  });

  it("before it was applied: asking again applies it, once", async () => {
    const key = newName();
    await direct.put(key, "1");
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    let swallowed: Promise<void> | undefined;
    const done = await increment(etcd, key, () => (swallowed = swallowNextCall(proxy)));
    await swallowed;
    expect(done).toEqual({ runs: 1, attempts: 1 });
    expect((await direct.get(key))?.text()).toBe("2");
  });

  it("and another key had changed, which proves that it cannot apply any more: it runs anew", async () => {
    const key = newName();
    await direct.put(key, "1");
    await direct.put(`${key}/other`, "1");
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    let swallowed: Promise<void> | undefined;
    const done = await increment(etcd, key, () => {
      swallowed = swallowNextCall(proxy, async () => direct.put(`${key}/other`, "2"));
    });
    await swallowed;
    expect(done).toEqual({ runs: 2, attempts: 2 });
    expect((await direct.get(key))?.text()).toBe("2");
  });

  it("and somebody else's change stands where its own would be: it runs anew, too", async () => {
    const key = newName();
    await direct.put(key, "1");
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    let swallowed: Promise<void> | undefined;
    const done = await increment(etcd, key, () => {
      swallowed = swallowNextCall(proxy, async () => direct.put(key, "10"));
    });
    await swallowed;
    expect(done).toEqual({ runs: 2, attempts: 2 });
    expect((await direct.get(key))?.text()).toBe("11");
  });

  it.each<[string, (key: string) => Promise<unknown>]>([
    ["what stands there may be its own", async (key) => direct.put(key, "2")],
    [
      "others came after it, perhaps",
      async (key) => {
        await direct.put(key, "2");
        await direct.put(key, "5");
      },
    ],
    [
      "the key was made anew",
      async (key) => {
        await direct.delete(key);
        await direct.put(key, "6");
        await direct.put(key, "7");
      },
    ],
    ["what is in its way may go away again", async (key) => direct.put(`${key}/other`, "x")],
  ])("and %s: it is told as unknown", async (_, meanwhile) => {
    const key = newName();
    await direct.put(key, "1");
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    let swallowed: Promise<void> | undefined;
    const lost = increment(etcd, key, () => {
      swallowed = swallowNextCall(proxy, async () => meanwhile(key));
    });
    await expect(lost).rejects.toMatchObject({ outcome: "unknown" });
    await swallowed;
  });

  it("where nothing it changes was there before: it is sent once only, for asking again could apply it twice", async () => {
    const key = newName();
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    await etcd.get(key);
    let calls = 0;
    let swallowed: Promise<void> | undefined;
    const lost = increment(etcd, key, () => {
      ({ calls } = proxy);
      swallowed = swallowNextCall(proxy);
    });
    await expect(lost).rejects.toMatchObject({ outcome: "unknown" });
    await swallowed;
    expect(proxy.calls - calls).toBe(1);
    expect(await direct.get(key)).toBeUndefined();
  });

  it("because the caller or the deadline ended it: unknown as well", async () => {
    const key = newName();
    await direct.put(key, "1");
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    await etcd.get(key);
    const controller = new AbortController();
    let swallowed: Promise<void> | undefined;
    const stopped = etcd.stm(
      (tx) => {
        tx.put(key, "2");
        swallowed = swallowNextCall(proxy, async () => controller.abort());
      },
      { signal: controller.signal },
    );
    await expect(stopped).rejects.toMatchObject({ code: "ABORTED", outcome: "unknown" });
    await swallowed;
    await etcd.get(key);
    const late = etcd.stm(
      (tx) => {
        tx.put(key, "2");
        proxy.hold("requests");
      },
      { timeoutMs: 200 },
    );
    await expect(late).rejects.toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
    proxy.release();
  });
});

describe("connections that break all the time", () => {
  it("never make a transaction count twice, and never one that was reported count for nothing", async () => {
    const keys = [newName(), newName()];
    for (const key of keys) await direct.put(key, "0");
    await using proxy = await startTcpProxy(server.endpoint);
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint });
    let done = 0;
    let unknown = 0;
    const worker = async (index: number): Promise<void> => {
      const key = keys[index % 2] as string;
      for (let round = 0; round < 15; round += 1) {
        try {
          await etcd.stm(async (tx) => {
            tx.put(key, String(1 + Number((await tx.get(key))?.text())));
          });
          done += 1;
        } catch (error) {
          if (!isEtcdError(error)) throw error;
          if (error.outcome === "unknown") unknown += 1;
        }
        if (round % 3 === 0) void proxy.loseNextAnswer();
        if (round % 5 === 4) proxy.cut();
      }
    };
    await Promise.all([worker(0), worker(1), worker(2), worker(3)]);
    const counts = await Promise.all(keys.map(async (key) => Number((await direct.get(key))?.text())));
    const counted = counts.reduce((sum, each) => sum + each);
    expect(done).toBeGreaterThan(10);
    expect(unknown).toBeGreaterThan(0);
    expect(counted).toBeGreaterThanOrEqual(done);
    expect(counted).toBeLessThanOrEqual(done + unknown);
  });
});
