import { EmbeddedEtcd } from "@quorumkit/testing";
import { EtcdClient } from "@quorumkit/core";
import { describe, expect, it } from "vitest";
import { startScriptedKv } from "./support/scripted-kv.ts";

describe("coalesced reads", () => {
  it("are linearizable unless asked otherwise, and the two kinds never share a transaction", async () => {
    await using kv = await startScriptedKv();
    await using etcd = new EtcdClient({ endpoints: kv.endpoint });
    await Promise.all([
      etcd.get("a"),
      etcd.get("b", { serializable: true }),
      etcd.get("c", { serializable: false }),
      etcd.get("d", { serializable: true }),
    ]);
    const seen = kv.txns.map(({ requireLeader, request }) => ({
      requireLeader,
      reads: request.success.map(
        ({ requestRange }) => `${requestRange?.key.toString()} ${requestRange?.serializable}`,
      ),
    }));
    expect(seen).toHaveLength(2);
    expect(seen).toContainEqual({ requireLeader: true, reads: ["a false", "c false"] });
    expect(seen).toContainEqual({ requireLeader: false, reads: ["b true", "d true"] });
  });

  it("need a quorum, and serializable ones asked for at the same time do not", async () => {
    await using server = await EmbeddedEtcd.start({ members: 3, quiet: true });
    const [member] = server.members;
    await using etcd = new EtcdClient({ endpoints: member?.endpoint ?? "", timeoutMs: 500 });
    await etcd.put("a", "old");
    member?.cutOff();
    const [a, b, c, d] = await Promise.allSettled([
      etcd.get("a"),
      etcd.get("b"),
      etcd.get("a", { serializable: true }),
      etcd.get("b", { serializable: true }),
    ]);
    expect([a, b]).toMatchObject([{ reason: { code: "NO_LEADER" } }, { reason: { code: "NO_LEADER" } }]);
    expect(c.status === "fulfilled" && c.value?.text()).toBe("old");
    expect(d).toEqual({ status: "fulfilled", value: undefined });
  });
});
