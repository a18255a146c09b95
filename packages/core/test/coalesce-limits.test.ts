import { EtcdClient } from "@quorumkit/core";
import { describe, expect, it } from "vitest";
import { startScriptedKv } from "./support/scripted-kv.ts";

const KINDS = ["reads", "writes"] as const;

/** So many concurrent calls of different keys. */
async function many(etcd: EtcdClient, kind: (typeof KINDS)[number], count: number, bytes = 8): Promise<void> {
  const keys = Array.from({ length: count }, (_, index) => `${index}/`.padEnd(bytes, "x"));
  await Promise.all(keys.map(async (key) => (kind === "reads" ? etcd.get(key) : etcd.put(key, ""))));
}

describe.each(KINDS)("a transaction of coalesced %s", (kind) => {
  it("has 128 operations at most", async () => {
    await using kv = await startScriptedKv();
    await using etcd = new EtcdClient({ endpoints: kv.endpoint, coalesce: { writes: true } });
    await many(etcd, kind, 300);
    expect(kv.txns.map(({ request }) => request.success.length)).toEqual([128, 128, 44]);
  });

  it("has as many operations as the option says", async () => {
    await using kv = await startScriptedKv();
    const coalesce = { writes: true, maxOperations: 10 };
    await using etcd = new EtcdClient({ endpoints: kv.endpoint, coalesce });
    await many(etcd, kind, 25);
    expect(kv.txns.map(({ request }) => request.success.length)).toEqual([10, 10, 5]);
  });

  it("stays far below the size a server takes", async () => {
    await using kv = await startScriptedKv();
    await using etcd = new EtcdClient({ endpoints: kv.endpoint, coalesce: { writes: true } });
    await many(etcd, kind, 40, 100 * 1024);
    expect(kv.txns.length).toBeGreaterThan(1);
    for (const { size } of kv.txns) expect(size).toBeLessThanOrEqual(512 * 1024);
    // Together they hold all: none was sent alone for being one too many.
    expect(kv.txns.flatMap(({ request }) => request.success)).toHaveLength(40);
  });

  it("has no more operations than the server was found to take", async () => {
    await using kv = await startScriptedKv();
    kv.maxTxnOps = 8;
    await using etcd = new EtcdClient({ endpoints: kv.endpoint, coalesce: { writes: true } });
    // A refused batch halves the next one: 64, 32, 16, 8.
    for (let round = 0; round < 4; round += 1) await many(etcd, kind, 64);
    kv.calls.length = 0;
    await many(etcd, kind, 64);
    expect(kv.calls.map(({ rpc }) => rpc)).toEqual(Array.from({ length: 8 }, () => "Txn"));
  });
});
