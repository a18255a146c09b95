import { isEtcdError } from "@quorumkit/core";
import { describe, expect, expectTypeOf, test, vi } from "vitest";
import { z } from "zod";
import { ConfigCenter, configRejections } from "../src/index.ts";
import { layers, openCenter, recorded, sharedEtcd, store } from "./support.ts";

const shared = sharedEtcd();

async function opened() {
  const prefix = shared.prefix();
  await store(shared.etcd, prefix, { "global/database": { host: "a" } });
  return { prefix, center: await openCenter(shared.etcd, prefix) };
}

describe("publishing", () => {
  test("writes what was passed to one layer, and get() has it afterwards", async () => {
    const { prefix, center } = await opened();
    const { revision, live } = await center.publish("database", { poolSize: 20 }, { layer: "env/prod" });
    expectTypeOf(revision).toEqualTypeOf<bigint>();
    expect(live).toBe(true);
    expect(center.get("database")).toEqual({ host: "a", poolSize: 20 });
    expect(center.snapshot().revision).toBe(revision);
    const kv = await shared.etcd.get(`${prefix}/env/prod/database`);
    expect([kv?.text(), kv?.modRevision]).toEqual(['{"poolSize":20}', revision]);
    expect(center.stored("database", "env/prod")).toEqual({
      key: `${prefix}/env/prod/database`,
      revision,
      value: { poolSize: 20 },
    });
  });

  test("refuses what makes the merged document invalid, and writes nothing", async () => {
    const { prefix, center } = await opened();
    const error: unknown = await center
      .publish("database", { poolSize: 500 }, { layer: "env/prod" })
      .catch((e: unknown) => e);
    expect(isEtcdError(error) && error.outcome).toBe("notApplied");
    expect(configRejections(error)).toMatchObject([
      { document: "database", issues: [{ path: ["poolSize"] }] },
    ]);
    expect(await shared.etcd.get(`${prefix}/env/prod/database`)).toBeUndefined();
    expect(center.rejections).toEqual([]);
  });

  test("with ifRevision fails when somebody else wrote, and is chained by the revisions it gives", async () => {
    const { prefix, center } = await opened();
    const options = { layer: "global" };
    const seen = center.stored("database", "global").revision;
    const mine = await center.publish("database", { host: "b" }, { ...options, ifRevision: seen });
    const conflict: unknown = await center
      .publish("database", { host: "c" }, { ...options, ifRevision: seen })
      .catch((error: unknown) => error);
    expect(isEtcdError(conflict, "FAILED_PRECONDITION") && conflict.outcome).toBe("notApplied");
    expect((conflict as Error).message).toContain(
      `${prefix}/global/database was last written at ${mine.revision}`,
    );
    expect(center.get("database").host).toBe("b");
    await center.publish("database", { host: "d" }, { ...options, ifRevision: mine.revision });
    expect(center.get("database").host).toBe("d");
  });

  test("with ifRevision 0n creates, and only creates", async () => {
    const { center } = await opened();
    expect(center.stored("limits", "global")).toMatchObject({ revision: 0n, value: undefined });
    await center.publish("limits", { rps: 1 }, { layer: "global", ifRevision: 0n });
    const again = center.publish("limits", { rps: 2 }, { layer: "global", ifRevision: 0n });
    await expect(again).rejects.toThrow("ifRevision says it does not exist");
    expect(center.get("limits").rps).toBe(1);
  });

  test("of ten at once with the same ifRevision lets one through", async () => {
    const { center } = await opened();
    const ifRevision = center.stored("database", "global").revision;
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, (_, n) =>
        center.publish("database", { host: `h${n}` }, { layer: "global", ifRevision }),
      ),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("from two sides never adds up to an invalid document", async () => {
    const prefix = shared.prefix();
    const range = z.object({ min: z.number(), max: z.number() }).refine(({ min, max }) => min < max);
    await store(shared.etcd, prefix, { "global/range": { min: 1, max: 10 } });
    const options = { prefix, layers, documents: { range } };
    await using one = await ConfigCenter.open(shared.etcd, options);
    await using two = await ConfigCenter.open(shared.etcd, options);
    const rejected = recorded(one, "rejected");
    // Each is valid beside what is there, and both together are not.
    for (let round = 0; round < 20; round++) {
      const results = await Promise.allSettled([
        one.publish("range", { min: 8 }, { layer: "env/prod" }),
        two.publish("range", { max: 5 }, { layer: "service/orders" }),
      ]);
      expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
      await shared.etcd.delete(`${prefix}/env/prod/range`);
      await shared.etcd.delete(`${prefix}/service/orders/range`);
    }
    expect(rejected).toEqual([]);
  });

  test("mends an invalid document, although the center holds it back", async () => {
    const { prefix, center } = await opened();
    const rejected = recorded(center, "rejected");
    await store(shared.etcd, prefix, { "global/database": "{oops" });
    await vi.waitFor(() => expect(rejected).toHaveLength(1));
    const other = await center.publish("limits", { rps: 3 }, { layer: "global" });
    expect(other.live).toBe(false);
    const { live } = await center.publish("database", { host: "mended" }, { layer: "global" });
    expect(live).toBe(true);
    expect(center.snapshot().documents).toMatchObject({ database: { host: "mended" }, limits: { rps: 3 } });
  });

  test("refuses wrong arguments by name, before it asks etcd anything", async () => {
    const { center } = await opened();
    const txn = vi.spyOn(shared.etcd, "txn");
    const refused = async (promise: Promise<unknown>, message: string): Promise<void> => {
      const error: unknown = await promise.catch((each: unknown) => each);
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toContain(message);
    };
    const layer = "global";
    await refused(
      center.publish("nope" as never, {} as never, { layer }),
      "document must be one of database, limits",
    );
    await refused(
      center.publish("database", {}, { layer: "team" }),
      'layer must be one of global, env/prod, service/orders, received "team"',
    );
    await refused(
      center.publish("database", {}, undefined as never),
      "publish: options must be an object, received undefined",
    );
    await refused(
      center.publish("database", {}, { layer, ifRevison: 1n } as never),
      'unknown option "ifRevison"',
    );
    await refused(
      center.publish("database", {}, { layer, ifRevision: 1 as never }),
      "ifRevision must be a bigint",
    );
    await refused(center.publish("database", {}, { layer, timeoutMs: -1 }), "timeoutMs must be");
    await refused(
      center.publish("database", { host: undefined as never }, { layer }),
      "value.host must be a JSON value",
    );
    // @ts-expect-error: a host is a string
    await expect(center.publish("database", { host: 1 }, { layer })).rejects.toThrow("host");
    expect(txn).toHaveBeenCalledTimes(1);
    txn.mockRestore();
  });

  test("after close is refused", async () => {
    const { center } = await opened();
    await center.close();
    const error: unknown = await center
      .publish("database", { host: "x" }, { layer: "global" })
      .catch((e: unknown) => e);
    expect(isEtcdError(error, "CLOSED")).toBe(true);
  });
});
