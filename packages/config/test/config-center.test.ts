import { describe, expect, expectTypeOf, test, vi } from "vitest";
import { z } from "zod";
import { type ConfigChange, ConfigCenter } from "../src/index.ts";
import { type database, type documents, layers, openCenter, recorded, sharedEtcd, store } from "./support.ts";

const shared = sharedEtcd();

describe("reading", () => {
  test("is synchronous, frozen and typed by the schema's output", async () => {
    const prefix = shared.prefix();
    await store(shared.etcd, prefix, { "global/database": { host: "db1", tags: ["a"] } });
    const center = await openCenter(shared.etcd, prefix);
    const value = center.get("database");
    expectTypeOf(value).toEqualTypeOf<z.infer<typeof database>>();
    expectTypeOf(center.get("limits").rps).toEqualTypeOf<number>();
    // @ts-expect-error: there is no such document
    expect(() => center.get("databse")).toThrow(
      new TypeError('document must be one of database, limits, received "databse"'),
    );
    expect(value).toEqual({ host: "db1", poolSize: 5, tags: ["a"] });
    expect(() => value.tags?.push("b")).toThrow(TypeError);
    expect(() => (value.host = "x")).toThrow(TypeError);
    expect(center.get("database")).toBe(value);
  });

  test("gives defaults where no layer has the document, and layers in their precedence", async () => {
    const prefix = shared.prefix();
    await store(shared.etcd, prefix, {
      "service/orders/database": { poolSize: 7 },
      "env/prod/database": { host: "prod", poolSize: 50 },
      "global/database": { host: "dev", tags: ["a", "b"] },
      "service/billing/database": { host: "another service's" },
    });
    const center = await openCenter(shared.etcd, prefix);
    expect(center.snapshot().documents).toEqual({
      database: { host: "prod", poolSize: 7, tags: ["a", "b"] },
      limits: { rps: 10 },
    });
    expect(center.state).toBe("live");
    expect(center.staleSince).toBeUndefined();
    expect(center.rejections).toEqual([]);
  });

  test("works with any Standard Schema, also one that answers later and makes other types", async () => {
    const prefix = shared.prefix();
    await store(shared.etcd, prefix, { "global/since": "0" });
    const schema = z.number().transform(async (ms) => Promise.resolve({ date: new Date(ms) }));
    await using center = await ConfigCenter.open(shared.etcd, {
      prefix,
      layers,
      documents: { since: schema },
    });
    expectTypeOf(center.get("since")).toEqualTypeOf<{ date: Date }>();
    expect(center.get("since").date).toEqual(new Date(0));
  });
});

describe("a change", () => {
  test("is told once per document, after get() gives it, with paths, both values and the revision", async () => {
    const prefix = shared.prefix();
    await store(shared.etcd, prefix, { "global/database": { host: "db1" } });
    const center = await openCenter(shared.etcd, prefix);
    const [previous, untouched] = [center.get("database"), center.get("limits")];
    const current: unknown[] = [];
    center.on("change", (change) => {
      expectTypeOf(change).toEqualTypeOf<ConfigChange<typeof documents>>();
      if (change.document === "limits") expectTypeOf(change.current).toEqualTypeOf<{ rps: number }>();
      current.push(center.get(change.document));
    });
    const changes = recorded(center, "change");
    const revision = await store(shared.etcd, prefix, { "env/prod/database": { host: "db2", tags: ["x"] } });
    await vi.waitFor(() => expect(changes).toHaveLength(1));
    const value = { host: "db2", poolSize: 5, tags: ["x"] };
    expect(changes).toEqual([
      { document: "database", paths: [["host"], ["tags"]], previous, current: value, revision },
    ]);
    expect(changes[0]?.previous).toBe(previous);
    expect(current).toEqual([value]);
    expect(center.snapshot().revision).toBe(revision);
    expect(center.get("limits")).toBe(untouched);
  });

  test("of two documents in one transaction is one snapshot: nobody ever sees a mix", async () => {
    const prefix = shared.prefix();
    const pair = z.object({ n: z.number() });
    // The second document takes longer to validate than the first.
    const slow = pair.refine(async () => new Promise((resolve) => setImmediate(() => resolve(true))));
    await store(shared.etcd, prefix, { "global/a": { n: 0 }, "service/orders/b": { n: 0 } });
    await using center = await ConfigCenter.open(shared.etcd, {
      prefix,
      layers,
      documents: { a: pair, b: slow },
    });
    const mixes: unknown[] = [];
    const look = (): void => {
      const { a, b } = center.snapshot().documents;
      if (a.n !== b.n || center.get("a") !== a || center.get("b") !== b) mixes.push([a.n, b.n]);
    };
    let last = 0;
    center.on("change", ({ current }) => {
      look();
      last = current.n;
    });
    const looking = new AbortController();
    const looker = (async () => {
      while (!looking.signal.aborted) {
        look();
        await new Promise(setImmediate);
      }
    })();
    for (let n = 1; n <= 100; n++)
      await store(shared.etcd, prefix, { "global/a": { n }, "service/orders/b": { n } });
    await vi.waitFor(() => expect(last).toBe(100));
    looking.abort();
    await looker;
    expect(mixes).toEqual([]);
  });

  test("that has no effect is not told, but moves the snapshot's revision", async () => {
    const prefix = shared.prefix();
    await store(shared.etcd, prefix, {
      "global/database": { host: "a" },
      "env/prod/database": { host: "b" },
    });
    const center = await openCenter(shared.etcd, prefix);
    const changes = recorded(center, "change");
    const value = center.get("database");
    const revision = await store(shared.etcd, prefix, { "global/database": { host: "shadowed" } });
    await vi.waitFor(() => expect(center.snapshot().revision).toBe(revision));
    expect(center.get("database")).toBe(value);
    expect(changes).toEqual([]);
  });

  test("that deletes a layer's value uncovers what is below it", async () => {
    const prefix = shared.prefix();
    await store(shared.etcd, prefix, {
      "global/database": { host: "a" },
      "env/prod/database": { host: "b" },
    });
    const center = await openCenter(shared.etcd, prefix);
    await shared.etcd.delete(`${prefix}/env/prod/database`);
    await vi.waitFor(() => expect(center.get("database").host).toBe("a"));
  });

  test("reaches every listener although one throws; the error is not swallowed", async () => {
    const prefix = shared.prefix();
    await store(shared.etcd, prefix, { "global/database": { host: "a" } });
    const center = await openCenter(shared.etcd, prefix);
    const before = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    const uncaught = new Promise((resolve) => process.once("uncaughtException", resolve));
    const boom = new Error("a listener's mistake");
    const removed = vi.fn<() => void>();
    const first = vi.fn<() => void>();
    try {
      center.on("change", () => {
        throw boom;
      });
      center.once("change", first);
      center.on("change", removed).off("change", removed);
      const changes = recorded(center, "change");
      await store(shared.etcd, prefix, { "global/database": { host: "b" } });
      expect(await uncaught).toBe(boom);
      process.on("uncaughtException", () => {});
      await store(shared.etcd, prefix, { "global/database": { host: "c" } });
      await vi.waitFor(() => expect(changes).toHaveLength(2));
      expect(first).toHaveBeenCalledTimes(1);
      expect(removed).not.toHaveBeenCalled();
    } finally {
      process.removeAllListeners("uncaughtException");
      for (const listener of before) process.on("uncaughtException", listener);
    }
  });
});
