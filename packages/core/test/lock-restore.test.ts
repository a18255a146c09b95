import { EtcdClient, type HeldLock } from "@quorumkit/core";
import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Backup } from "./support/backup.ts";
import { startTcpProxy, type TcpProxy } from "./support/tcp-proxy.ts";

/** For a busy machine. */
const PATIENT = { timeout: 20_000 };

let server: EtcdServer;
let proxy: TcpProxy;
let writer: EtcdClient;
let etcd: EtcdClient;
beforeEach(async () => {
  server = await startEtcd();
  proxy = await startTcpProxy(server.endpoint);
  writer = new EtcdClient({ endpoints: server.endpoints, timeoutMs: 20_000 });
  etcd = new EtcdClient({ endpoints: proxy.endpoint });
});
afterEach(async () => {
  await etcd.close();
  await writer.close();
  await proxy.close();
  await server.close();
});

async function write(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await writer.put("elsewhere", `${index}`);
}

/** The store goes back to the backup while the client is cut off, and then on by `count` revisions. */
async function restore(backup: Backup, writeBehind: () => Promise<void>): Promise<void> {
  proxy.refuse();
  await backup.restore();
  await writeBehind();
  proxy.accept();
}

async function expectLost(held: HeldLock): Promise<void> {
  await expect.poll(() => held.held, PATIENT).toBe(false);
  expect(held.signal.reason).toMatchObject({ code: "KEY_DELETED" });
  const second = await writer.lock(held.name).tryAcquire();
  expect(second?.held).toBe(true);
  await second?.release();
}

describe("a store that is restored from a backup", { timeout: 60_000 }, () => {
  it("which is older than the lock, but not than its session, ends the lock", async () => {
    const session = await etcd.openSession({ ttlSeconds: 60 });
    await using backup = await Backup.take(server);
    const held = await etcd.lock("restored", { session }).acquire();
    await write(20);
    await restore(backup, async () => {});
    await expectLost(held);
    expect(session.alive).toBe(true);
  });

  it("and goes on beyond the lock's revision ends the lock, and each sort of it", async () => {
    const sessions = await Promise.all([0, 1, 2].map(() => etcd.openSession({ ttlSeconds: 60 })));
    const [first, second, third] = sessions as [
      (typeof sessions)[0],
      (typeof sessions)[0],
      (typeof sessions)[0],
    ];
    await using backup = await Backup.take(server);
    const held = await etcd.lock("restored", { session: first }).acquire();
    const reading = await etcd.readWriteLock("shared", { session: second }).read.acquire();
    const permit = await etcd.semaphore("counted", { permits: 1, session: third }).acquire();
    await restore(backup, () => write(50));
    await expectLost(held);
    for (const each of [reading, permit]) {
      await expect.poll(() => each.held, PATIENT).toBe(false);
      expect(each.signal.reason).toMatchObject({ code: "KEY_DELETED" });
    }
    for (const each of sessions) expect(each.alive).toBe(true);
  });

  it("which has the lock leaves it held, and its later end is seen", async () => {
    const session = await etcd.openSession({ ttlSeconds: 60 });
    const held = await etcd.lock("restored", { session }).acquire();
    await using backup = await Backup.take(server);
    await write(20);
    await restore(backup, async () => {});
    await held.txn().commit({ timeoutMs: 20_000 });
    expect(held.held).toBe(true);
    await writer.delete(held.key);
    await expectLost(held);
  });

  it("does not let a waiter wait for somebody who is no longer there", async () => {
    await writer.put("restored/first", "");
    await writer.put("restored/second", "");
    const session = await etcd.openSession({ ttlSeconds: 60 });
    const waitedFor: string[] = [];
    const acquired = etcd
      .lock("restored", { session })
      .acquire({ onWaiting: ({ key }) => waitedFor.push(key) });
    acquired.catch(() => {});
    await expect.poll(() => waitedFor).toEqual(["restored/second"]);
    await using backup = await Backup.take(server);
    await write(20);
    await writer.delete("restored/second");
    await expect.poll(() => waitedFor, PATIENT).toEqual(["restored/second", "restored/first"]);
    await restore(backup, async () => {
      // Of revisions that the waiter is beyond.
      await writer.delete("restored/first");
      await writer.delete("restored/second");
      await write(50);
    });
    const held = await acquired;
    expect(held.held).toBe(true);
    expect(await writer.get(held.key)).toBeDefined();
  });
});
