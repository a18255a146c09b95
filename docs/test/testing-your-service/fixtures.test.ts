import { EtcdClient } from "@quorumkit/core";
import { etcdTest } from "@quorumkit/testing/vitest";
import { expect } from "vitest";

const test = etcdTest({ per: "test" }).extend<{ client: EtcdClient }>({
  client: async ({ etcd, namespace }, use) => {
    await using client = new EtcdClient({ endpoints: etcd.endpoints, namespace });
    await use(client);
  },
});

test("a write whose answer is lost is not sent again", async ({ etcd, client }) => {
  etcd.failCall("Put", { after: true });
  await expect(client.put("greeting", "hello")).rejects.toMatchObject({ outcome: "unknown" });
  expect((await client.get("greeting"))?.version).toBe(1n);
});
