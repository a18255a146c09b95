import { EtcdClient, EtcdError, op } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { runProgram } from "./support/run-program.ts";
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

async function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
}

describe("closing a client", () => {
  it("with everything open ends everything, and leaves nothing on the server", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    const etcd = new EtcdClient({ endpoints: proxy.endpoint });
    const session = await etcd.openSession();
    await etcd.put("open/key", "1", { lease: session.lease });
    const watcher = etcd.watch({ prefix: "open/" });
    const watching = (async () => {
      for await (const batch of watcher) expect(batch.events.length).toBeGreaterThanOrEqual(0);
    })();
    await watcher.ready();
    const mirror = await etcd.mirror({ prefix: "open/" });
    const held = await etcd.lock("open-lock").acquire();
    const waiting = etcd.lock("open-lock").acquire();
    await expect.poll(async () => (await observer.range({ prefix: "open-lock/" })).count).toBe(2n);
    const opening = etcd.openSession();
    const inFlight = etcd.put("open/in-flight", "1");
    const settled = Promise.all([watching, waiting, opening, inFlight].map(reasonOf));

    await etcd.close();

    expect(etcd.closed).toBe(true);
    const [watchEnd, lockEnd, openEnd, putEnd] = await settled;
    expect(watchEnd).toMatchObject({ code: "CLOSED" });
    expect(lockEnd).toMatchObject({ code: "CLOSED" });
    // What was on its way when it began may have made it, or not; nothing else.
    for (const end of [openEnd, putEnd])
      expect([undefined, "CLOSED"]).toContain((end as { code?: string } | undefined)?.code);
    expect(session.alive).toBe(false);
    expect(session.signal.reason).toMatchObject({ code: "CLOSED" });
    expect(held.signal.aborted).toBe(true);
    expect(mirror.state).toBe("closed");
    expect(await observer.leases.list()).toEqual([]);
    expect(await observer.get("open/key")).toBeUndefined();
    expect((await observer.range({ prefix: "open-lock/" })).count).toBe(0n);
    await vi.waitFor(() => expect(proxy.connections).toBe(0));
  });

  it("revokes the lease of a session that was just being opened", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    const etcd = new EtcdClient({ endpoints: proxy.endpoint });
    await etcd.get("warm");
    proxy.delay("answers", 300);
    const { calls } = proxy;
    const opening = etcd.openSession();
    await vi.waitFor(() => expect(proxy.calls).toBe(calls + 1));
    await etcd.close();
    const session = await opening;
    expect(session.signal.reason).toMatchObject({ code: "CLOSED" });
    expect(await observer.leases.timeToLive(session.lease)).toBeUndefined();
  });

  it("may be asked for twice, at the same time too, and before anything was done", async () => {
    const etcd = new EtcdClient({ endpoints: server.endpoints });
    await Promise.all([etcd.close(), etcd.close()]);
    await etcd.close();
    const session = await (async () => {
      await using other = new EtcdClient({ endpoints: server.endpoints });
      const opened = await other.openSession();
      return opened;
    })();
    expect(await observer.leases.timeToLive(session.lease)).toBeUndefined();
  });

  it("refuses what comes after it, all of it, at once", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    const etcd = new EtcdClient({ endpoints: proxy.endpoint });
    const lease = await etcd.leases.grant({ ttlSeconds: 60 });
    const lock = etcd.lock("after");
    const txn = etcd.txn().then(op.put("after", "1"));
    const closing = etcd.close();
    const { calls } = proxy;
    const attempts = (): Promise<unknown>[] => [
      etcd.put("after", "1"),
      etcd.get("after"),
      etcd.range({ prefix: "" }),
      etcd.delete("after"),
      txn.commit(),
      etcd.leases.grant({ ttlSeconds: 60 }),
      etcd.leases.revoke(lease),
      etcd.leases.timeToLive(lease),
      etcd.leases.list(),
      etcd.leases.keepAliveOnce(lease),
      etcd.openSession(),
      etcd.mirror({ prefix: "" }),
      lock.acquire(),
      lock.tryAcquire(),
      etcd.scan({ prefix: "" })[Symbol.asyncIterator]().next(),
      etcd.watch("after")[Symbol.asyncIterator]().next(),
    ];
    for (const when of ["while it closes", "when it is closed"]) {
      const reasons = await Promise.all(attempts().map(reasonOf));
      for (const [index, reason] of reasons.entries()) {
        expect(reason, `${index} ${when}`).toBeInstanceOf(EtcdError);
        expect(reason, `${index} ${when}`).toMatchObject({ code: "CLOSED" });
      }
      await closing;
    }
    await expect(etcd.put("after", "1")).rejects.toMatchObject({ outcome: "notApplied" });
    expect(proxy.calls).toBe(calls);
    await observer.leases.revoke(lease);
  });

  it("lets a call that was sent be answered", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    const etcd = new EtcdClient({ endpoints: proxy.endpoint });
    await etcd.get("a");
    proxy.delay("answers", 300);
    const { calls } = proxy;
    const write = etcd.put("sent", "1");
    await vi.waitFor(() => expect(proxy.calls).toBe(calls + 1));
    await etcd.close();
    expect((await write).revision).toBeGreaterThan(0n);
  });

  it("does not wait for ever for an answer: the call then ends with unknown outcome", async () => {
    await using proxy = await startTcpProxy(server.endpoint);
    const etcd = new EtcdClient({ endpoints: proxy.endpoint, timeoutMs: 400 });
    const session = await etcd.openSession({ timeoutMs: 5_000 });
    proxy.hold("answers");
    const { calls } = proxy;
    const write = reasonOf(etcd.put("sent", "2", { timeoutMs: 60_000 }));
    const read = reasonOf(etcd.get("sent", { timeoutMs: 60_000 }));
    await vi.waitFor(() => expect(proxy.calls).toBe(calls + 2));
    const startedAt = performance.now();
    await etcd.close();
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    expect(await write).toMatchObject({ code: "CLOSED", outcome: "unknown" });
    expect(await read).toMatchObject({ code: "CLOSED", outcome: undefined });
    expect(session.signal.reason).toMatchObject({ code: "CLOSED" });
  });

  it("takes bounded time while etcd is away", async () => {
    await using own = await startEtcd();
    const etcd = new EtcdClient({ endpoints: own.endpoints, timeoutMs: 1_000 });
    await etcd.openSession();
    const waiting = reasonOf(etcd.lock("away").acquire());
    await using _held = await etcd.lock("away-too").acquire();
    const mirror = await etcd.mirror({ prefix: "" });
    await own.kill();
    const pending = reasonOf(etcd.get("a", { timeoutMs: 600_000 }));
    const opening = reasonOf(etcd.openSession({ timeoutMs: 600_000 }));
    const startedAt = performance.now();
    await etcd.close();
    expect(performance.now() - startedAt).toBeLessThan(3_500);
    expect(await pending).toMatchObject({ code: "CLOSED" });
    expect(await opening).toMatchObject({ code: "CLOSED" });
    expect(mirror.state).toBe("closed");
    // It may have been taken before etcd went.
    expect([undefined, "CLOSED"]).toContain(((await waiting) as { code?: string } | undefined)?.code);
  });
});

const OPEN_EVERYTHING = `
  import { EtcdClient } from "@quorumkit/core";
  const [endpoint] = process.argv.slice(2);
  const etcd = new EtcdClient({ endpoints: endpoint, timeoutMs: 1000 });
  const ignore = () => {};
  const session = await etcd.openSession();
  await etcd.put("exit/key", "1", { lease: session.lease });
  const watcher = etcd.watch({ prefix: "exit/" });
  (async () => { for await (const _ of watcher); })().catch(ignore);
  etcd.watch({ prefix: "exit/unread" });
  await watcher.ready();
  await etcd.mirror({ prefix: "exit/" });
  await etcd.lock("exit-lock").acquire();
  etcd.lock("exit-lock").acquire().catch(ignore);
  for (let index = 0; index < 20; index += 1) {
    etcd.put("exit/" + index, "1").catch(ignore);
    etcd.get("exit/" + index).catch(ignore);
  }
  etcd.openSession().catch(ignore);
  await etcd.close();
  const closedAt = performance.now();
  process.on("exit", () => console.log(JSON.stringify({ lingeredMs: performance.now() - closedAt })));
`;

describe("a process", () => {
  it("ends by itself once the client is closed, with everything open", async () => {
    const { code, stdout, stderr } = await runProgram(OPEN_EVERYTHING, [server.endpoint]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { lingeredMs } = JSON.parse(stdout) as { lingeredMs: number };
    expect(lingeredMs).toBeLessThan(1_000);
    expect(await observer.leases.list()).toEqual([]);
  });

  it("ends by itself when it never used the client", async () => {
    const { code, stderr } = await runProgram(
      `import { EtcdClient } from "@quorumkit/core"; new EtcdClient({ endpoints: "127.0.0.1:1" });`,
      [],
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("that forgot to close ends by itself once its calls are done", async () => {
    const { code, stdout, stderr } = await runProgram(
      `import { EtcdClient } from "@quorumkit/core";
       const etcd = new EtcdClient({ endpoints: process.argv[2] });
       await etcd.put("forgot", "1");
       console.log((await etcd.get("forgot")).text());`,
      [server.endpoint],
    );
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "1\n", stderr: "" });
  });
});
