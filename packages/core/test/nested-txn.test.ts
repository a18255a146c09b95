import { compare, EtcdClient, op } from "@quorumkit/core";
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

describe("a nested transaction", () => {
  it("is of the revision of the whole, in writes and in reads, however deep", async () => {
    const innermost = etcd.txn().then(op.get("a"));
    // Conditions are about the state before the whole.
    const inner = etcd.txn().if(compare("a").version.equals(0n)).then(op.put("b", "1"), op.txn(innermost));
    const written = await etcd.txn().then(op.put("a", "1"), op.txn(inner)).commit();
    if (!written.succeeded || !written.results[1].succeeded) throw new Error("the conditions did not hold");
    const [{ revision }, nested] = written.results;
    expect(written.revision).toBe(revision);
    expect((await etcd.get("b"))?.modRevision).toBe(revision);
    expect(nested.revision).toBe(revision);
    expect(nested.results[1].revision).toBe(revision);

    const read = await etcd.txn().then(op.get("a"), op.txn(innermost)).commit();
    expect(read).toMatchObject({ revision, results: [{}, { revision }] });
  });
});
