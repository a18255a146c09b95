import { rpcs } from "@quorumkit/proto";
import { sharedEtcdTest } from "@quorumkit/testing/vitest";
import { expect, inject } from "vitest";
import { Rpc } from "../../embedded/support/rpc.ts";

const test = sharedEtcdTest();

test("writes where nobody else does", async ({ etcd, namespace }) => {
  expect(inject("@quorumkit/testing")).toEqual({ endpoint: etcd.endpoint, endpoints: etcd.endpoints });
  await using rpc = new Rpc(etcd.endpoint);
  const key = Buffer.from(`${namespace}key`);
  await rpc.call(rpcs.kv.put, { key, value: Buffer.from("second") });
  const { kvs } = await rpc.call(rpcs.kv.range, { key });
  expect(kvs.map(({ version }) => version)).toEqual([1n]);
  process.stderr.write(`used ${etcd.endpoint} ${namespace}\n`);
});
