import { EtcdClient, EtcdError } from "@quorumkit/core";
import { EmbeddedEtcd } from "@quorumkit/testing";
import { describe, expect, it } from "vitest";
import { KeyCalls } from "../src/batch/key-calls.ts";
import { startScriptedKv } from "./support/scripted-kv.ts";
import { startTcpProxy } from "./support/tcp-proxy.ts";

const coalesce = { writes: true };
const EMPTY = Buffer.alloc(0);

/** Calls of two keys; how each ended. */
async function pair(call: (key: string) => Promise<unknown>): Promise<PromiseSettledResult<unknown>[]> {
  return Promise.allSettled(["a", "b"].map(async (key) => call(key)));
}

/** Reads and writes over a connection on which every call fails with `error`. */
function failing(error: EtcdError): { readonly calls: KeyCalls; readonly asked: string[] } {
  const asked: string[] = [];
  const connection = {
    defaultTimeoutMs: 5_000,
    unary: async ({ name }: { readonly name: string }): Promise<never> => {
      asked.push(name);
      return Promise.reject(error);
    },
  };
  return { asked, calls: new KeyCalls(connection, { reads: true, writes: true, maxOperations: 128 }) };
}

describe.each(["UNAVAILABLE", "TIMEOUT", "NO_LEADER", "TOO_MANY_REQUESTS", "CLOSED", "ABORTED"] as const)(
  "coalesced calls whose way fails as %s",
  (code) => {
    it("are not sent again one by one, and each tells of what its caller asked for", async () => {
      const cause = new Error("the way");
      const gone = new EtcdError(code, "Txn failed on http://a: gone", { cause, outcome: "notApplied" });
      const { calls, asked } = failing(gone);
      const gets = await pair(async (name) => calls.get({ key: Buffer.from(name) }, {}));
      const puts = await pair(async (name) => calls.put({ key: Buffer.from(name), value: EMPTY }, {}));
      expect(asked).toEqual(["Txn", "Txn"]);
      for (const [rpc, outcomes] of [
        ["Range", gets],
        ["Put", puts],
      ] as const) {
        const message = `${code}: ${rpc} failed on http://a: gone`;
        for (const outcome of outcomes)
          expect(outcome).toMatchObject({ reason: { code, message, cause, outcome: "notApplied" } });
      }
    });
  },
);

describe("coalesced puts", () => {
  it("go by themselves where they ask for what was there, and answers are limited", async () => {
    await using kv = await startScriptedKv();
    const put = async (options: { maxResponseBytes?: number }): Promise<readonly string[]> => {
      await using etcd = new EtcdClient({ endpoints: kv.endpoint, coalesce, ...options });
      const before = kv.calls.length;
      await pair(async (key) => etcd.put(key, "x", { prevKv: true }));
      return kv.calls.slice(before).map(({ rpc }) => rpc);
    };
    // Together they might be too large, and would all have been applied by then.
    expect(await put({ maxResponseBytes: 2 ** 21 })).toEqual(["Put", "Put"]);
    expect(await put({})).toEqual(["Txn"]);
  });

  it("have the revision of the whole transaction", async () => {
    await using kv = await startScriptedKv();
    await using etcd = new EtcdClient({ endpoints: kv.endpoint, coalesce });
    expect(await pair(async (key) => etcd.put(key, "x"))).toMatchObject([
      { value: { revision: 7n } },
      { value: { revision: 7n } },
    ]);
  });
});

describe("a coalesced put", () => {
  it("that is aborted before it is sent has no effect, and says so", async () => {
    await using kv = await startScriptedKv();
    await using etcd = new EtcdClient({ endpoints: kv.endpoint, coalesce });
    const abort = new AbortController();
    const puts = pair(async (key) => etcd.put(key, "x", { signal: abort.signal }));
    abort.abort();
    const late = pair(async (key) => etcd.put(key, "x", { signal: abort.signal }));
    for (const outcome of [...(await puts), ...(await late)])
      expect(outcome).toMatchObject({ reason: { code: "ABORTED", outcome: "notApplied" } });
    await etcd.get("a");
    expect(kv.calls.map(({ rpc }) => rpc)).toEqual(["Range"]);
  });

  it("that is aborted while no connection comes up says so, too", async () => {
    await using server = await EmbeddedEtcd.start({ quiet: true });
    await using proxy = await startTcpProxy(server.endpoint);
    proxy.hold();
    await using etcd = new EtcdClient({ endpoints: proxy.endpoint, coalesce });
    const abort = new AbortController();
    const puts = pair(async (key) => etcd.put(key, "x", { signal: abort.signal }));
    await expect.poll(() => proxy.connections).toBe(1);
    abort.abort();
    for (const outcome of await puts)
      expect(outcome).toMatchObject({ reason: { code: "ABORTED", outcome: "notApplied" } });
  });

  it("that is aborted after it was sent is unknown", async () => {
    await using server = await EmbeddedEtcd.start({ quiet: true });
    await using etcd = new EtcdClient({ endpoints: server.endpoint, coalesce });
    const held = server.hold("Txn");
    const abort = new AbortController();
    const puts = pair(async (key) => etcd.put(key, "x", { signal: abort.signal }));
    await held.reached();
    abort.abort(new Error("enough"));
    for (const outcome of await puts) {
      expect(outcome).toMatchObject({
        reason: { code: "ABORTED", outcome: "unknown", cause: { message: "enough" } },
      });
    }
    held.release();
  });

  it("that is aborted when it was answered, and its caller not yet told, is unknown", async () => {
    await using kv = await startScriptedKv();
    await using etcd = new EtcdClient({ endpoints: kv.endpoint, coalesce });
    const abort = new AbortController();
    // The answers of a large transaction are given out in two halves, with a turn in between.
    const puts = Array.from({ length: 64 }, async (_, index) =>
      etcd.put(`${index}`, "x", { signal: abort.signal }),
    );
    await puts[0];
    abort.abort();
    await expect(puts[63]).rejects.toMatchObject({ code: "ABORTED", outcome: "unknown" });
    await Promise.allSettled(puts);
  });

  it("that runs out of time beside one with more tells why, as it would alone", async () => {
    await using server = await EmbeddedEtcd.start({ quiet: true });
    await using proxy = await startTcpProxy(server.endpoint);
    proxy.refuse();
    const options = { endpoints: proxy.endpoint, timeoutMs: 1_500 };
    await using alone = new EtcdClient(options);
    await using etcd = new EtcdClient({ ...options, coalesce });
    const [hasty, patient, lone] = await Promise.allSettled([
      etcd.put("a", "x", { timeoutMs: 500 }),
      etcd.put("b", "x"),
      alone.put("a", "x", { timeoutMs: 500 }),
    ]);
    for (const outcome of [hasty, patient, lone]) {
      expect(outcome).toMatchObject({
        reason: {
          code: "UNAVAILABLE",
          outcome: "notApplied",
          message: expect.stringMatching(/^UNAVAILABLE: Put .*connection/i) as string,
          cause: expect.any(Error) as Error,
        },
      });
    }
  });

  it("that runs out of time after it was sent is unknown", async () => {
    await using server = await EmbeddedEtcd.start({ quiet: true });
    await using etcd = new EtcdClient({ endpoints: server.endpoint, coalesce });
    await etcd.put("a", "before");
    const held = server.hold("Txn");
    const hasty = etcd.put("a", "x", { timeoutMs: 200 });
    const patient = etcd.put("b", "x");
    await expect(hasty).rejects.toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
    held.release();
    await patient;
  });
});
