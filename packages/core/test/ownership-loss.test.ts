import { EtcdClient, type Session } from "@quorumkit/core";
import { FairQueue, type QueueClient } from "@quorumkit/core/internal";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

let server: EtcdServer;
let etcd: EtcdClient;
beforeAll(async () => {
  server = await startEtcd();
  etcd = new EtcdClient({ endpoints: server.endpoints });
});
afterAll(async () => {
  await etcd.close();
  await server.close();
});

async function enter(
  client: QueueClient,
  session: Session,
  name: string,
): ReturnType<FairQueue["waitForTurn"]> {
  const queue = new FairQueue(client, name);
  return queue.waitForTurn(await queue.enter(session, ""));
}

describe("a holder is told", () => {
  it("by its key, while its session lives on and has nothing to renew", async () => {
    await using session = await etcd.openSession({ ttlSeconds: 60 });
    const ownership = await enter(etcd, session, "loss/key");
    await etcd.delete(ownership.key);
    await expect.poll(() => ownership.signal.aborted, { timeout: 10_000 }).toBe(true);
    expect(ownership.signal.reason).toMatchObject({ code: "KEY_DELETED" });
    expect([ownership.held, session.alive]).toEqual([false, true]);
  });

  it("by its session, while its key is silent", async () => {
    const session = await etcd.openSession();
    const deaf: QueueClient = {
      txn: () => etcd.txn(),
      watch: (_range, options) => etcd.watch("never-written", options),
    };
    const ownership = await enter(deaf, session, "loss/session");
    await session.close();
    expect(ownership.signal.aborted).toBe(true);
    expect(ownership.signal.reason).toMatchObject({ code: "CLOSED" });
    expect(ownership.held).toBe(false);
  });
});
