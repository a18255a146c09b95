import { EtcdClient, op, type Session } from "@quorumkit/core";
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

/** A client whose watch of the own key hears nothing, as if the word of its end were still on its way. */
function deaf(): QueueClient {
  return {
    txn: () => etcd.txn(),
    watch: (_range, options) => etcd.watch("never-written", options),
  };
}

async function enter(session: Session, name: string): ReturnType<FairQueue["waitForTurn"]> {
  const queue = new FairQueue(deaf(), name);
  return queue.waitForTurn(await queue.enter(session, ""));
}

/** `end` ends the ownership of a key behind its owner's back. */
async function expectRefused(
  name: string,
  end: (key: string, lease: bigint) => Promise<void>,
): Promise<void> {
  await using session = await etcd.openSession();
  const ownership = await enter(session, name);
  const written = await ownership
    .txn()
    .then(op.put(`${name}-data`, "in time"))
    .commit();
  expect(written.succeeded).toBe(true);
  await end(ownership.key, session.leaseId);

  expect(ownership.held).toBe(true);
  const late = ownership
    .txn()
    .then(op.put(`${name}-data`, "too late"))
    .commit();
  await expect(late).rejects.toMatchObject({ code: "NOT_OWNER", outcome: "notApplied" });
  expect((await etcd.get(`${name}-data`))?.text()).toBe("in time");
  // And now it knows.
  expect(ownership.held).toBe(false);
  expect(ownership.signal.reason).toMatchObject({ code: "KEY_DELETED" });
}

describe("a holder that does not know that it is over", () => {
  it("writes nothing where its key has gone", async () => {
    await expectRefused("guarded/gone", async (key) => {
      await etcd.delete(key);
    });
  });

  it("writes nothing where its key was made anew, on the same lease", async () => {
    await expectRefused("guarded/anew", async (key, lease) => {
      await etcd.delete(key);
      await etcd.put(key, "another term", { lease });
    });
  });
});
