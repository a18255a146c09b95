import { status } from "@grpc/grpc-js";
import { EtcdClient } from "@quorumkit/core";
import { describe, expect, it, vi } from "vitest";
import { startScriptedKv } from "./support/scripted-kv.ts";
import { deferred } from "../src/util/deferred.ts";

const CANCELLED = { code: "ABORTED" };

describe.each(["get", "put"] as const)("a batch of %ss", (verb) => {
  const call = async (etcd: EtcdClient, key: string, options: object): Promise<unknown> =>
    verb === "get" ? etcd.get(key, options) : etcd.put(key, "x", options);

  it("that nobody waits for any more is taken off the server, and holds up neither close() nor others", async () => {
    await using kv = await startScriptedKv();
    const etcd = new EtcdClient({ endpoints: kv.endpoint, coalesce: { writes: true }, timeoutMs: 60_000 });
    // So that there is a connection.
    await call(etcd, "a", {});
    const never = deferred<void>();
    kv.gate = never.promise;
    const abort = new AbortController();
    const { signal } = abort;
    // The second one leaves by its deadline, and is told before the first one leaves.
    const first = call(etcd, "a", { signal });
    await expect(call(etcd, "b", { timeoutMs: 500 })).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(kv.txns).toMatchObject([{ cancelled: false }]);
    abort.abort();
    await expect(first).rejects.toMatchObject(CANCELLED);
    await expect.poll(() => kv.txns).toMatchObject([{ cancelled: true }]);
    const setTimer = vi.spyOn(globalThis, "setTimeout");
    kv.gate = Promise.resolve();
    await call(etcd, "c", {});
    // What waits for an earlier batch has a timer for its patience.
    expect(setTimer.mock.calls.filter(([, ms]) => ms === 20)).toHaveLength(0);
    setTimer.mockRestore();

    kv.gate = never.promise;
    const again = new AbortController();
    const last = Promise.allSettled(["a", "b"].map(async (key) => call(etcd, key, { signal: again.signal })));
    await expect.poll(() => kv.txns).toHaveLength(2);
    again.abort();
    await last;
    await etcd.close();
    never.resolve();
  });

  it("goes on while one of its callers waits", async () => {
    await using kv = await startScriptedKv();
    const gate = deferred<void>();
    kv.gate = gate.promise;
    await using etcd = new EtcdClient({ endpoints: kv.endpoint, coalesce: { writes: true } });
    const abort = new AbortController();
    const left = call(etcd, "a", { signal: abort.signal });
    const stays = call(etcd, "b", { signal: new AbortController().signal });
    await expect.poll(() => kv.txns).toHaveLength(1);
    abort.abort();
    await expect(left).rejects.toMatchObject(CANCELLED);
    gate.resolve();
    await stays;
    expect(kv.txns).toMatchObject([{ cancelled: false }]);
  });

  it("that was refused is sent again for those only who still wait", async () => {
    await using kv = await startScriptedKv();
    const gate = deferred<void>();
    kv.gate = gate.promise;
    kv.refusals.set("Txn", { code: status.INVALID_ARGUMENT, details: "etcdserver: key is not provided" });
    await using etcd = new EtcdClient({ endpoints: kv.endpoint, coalesce: { writes: true } });
    const abort = new AbortController();
    const left = call(etcd, "a", { signal: abort.signal });
    const stays = call(etcd, "b", {});
    await expect.poll(() => kv.txns).toHaveLength(1);
    abort.abort();
    await expect(left).rejects.toMatchObject(CANCELLED);
    gate.resolve();
    await stays;
    expect(kv.calls.map(({ rpc, request }) => [rpc, "key" in request && request.key.toString()])).toEqual([
      ["Txn", false],
      [verb === "get" ? "Range" : "Put", "b"],
    ]);
  });
});
