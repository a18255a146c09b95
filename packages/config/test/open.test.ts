import { EtcdClient, EtcdError, isEtcdError } from "@quorumkit/core";
import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { ConfigCenter, configRejections } from "../src/index.ts";
import { database, documents, layers, sharedEtcd, store } from "./support.ts";

const shared = sharedEtcd();

const failure = async (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => expect.fail("it did not fail"),
    (error: unknown) => error as Error,
  );

describe("opening", () => {
  test("fails on a document that is invalid from the start, and says which, why and where it looked", async () => {
    const prefix = shared.prefix();
    await store(shared.etcd, prefix, { "env/prod/database": { poolSize: 500 }, "global/limits": "{oops" });
    const error = await failure(ConfigCenter.open(shared.etcd, { prefix, layers, documents }));
    expect(isEtcdError(error)).toBe(true);
    expect(error.message).toContain('document "database"');
    expect(error.message).toContain(`${prefix}/env/prod/database`);
    expect(configRejections(error)).toMatchObject([
      { document: "database", issues: [{ path: ["host"] }, { path: ["poolSize"] }] },
      { document: "limits", issues: [{ layer: "global", key: `${prefix}/global/limits` }] },
    ]);
    expect(configRejections(new Error("another"))).toEqual([]);
  });

  test("ends at its deadline when etcd does not answer", async () => {
    await using etcd = new EtcdClient({ endpoints: "http://127.0.0.1:1" });
    const start = performance.now();
    const error = await failure(ConfigCenter.open(etcd, { layers, documents, timeoutMs: 300 }));
    expect(isEtcdError(error, "TIMEOUT", "UNAVAILABLE")).toBe(true);
    expect(performance.now() - start).toBeLessThan(3_000);
  });

  test("ends at its deadline when a schema does not answer", async () => {
    const prefix = shared.prefix();
    const stuck = z.unknown().refine(async () => new Promise<boolean>(() => {}));
    const opening = ConfigCenter.open(shared.etcd, { prefix, layers, documents: { stuck }, timeoutMs: 200 });
    expect(isEtcdError(await failure(opening), "TIMEOUT")).toBe(true);
  });

  test("ends with its signal, whose reason is the cause", async () => {
    await using etcd = new EtcdClient({ endpoints: "http://127.0.0.1:1" });
    const controller = new AbortController();
    const opening = failure(ConfigCenter.open(etcd, { layers, documents, signal: controller.signal }));
    const reason = new Error("enough");
    controller.abort(reason);
    const error = await opening;
    expect(isEtcdError(error, "ABORTED")).toBe(true);
    expect(error.cause).toBe(reason);
  });
});

test("without a watch, but with the documents, gives a center that says it is stale", async () => {
  const prefix = shared.prefix();
  await store(shared.etcd, prefix, { "global/database": { host: "a" } });
  let watchable = false;
  let listings = 0;
  const etcd = {
    timeoutMs: 300,
    openSession: () => shared.etcd.openSession(),
    txn: () => shared.etcd.txn(),
    pages: (...args: Parameters<EtcdClient["pages"]>) => {
      listings++;
      return shared.etcd.pages(...args);
    },
    watch: (...args: Parameters<EtcdClient["watch"]>) => {
      if (watchable) return shared.etcd.watch(...args);
      throw new EtcdError("UNAVAILABLE", "no watch today");
    },
  } as EtcdClient;
  await using center = await ConfigCenter.open(etcd, { prefix, layers, documents });
  expect([center.state, center.get("database").host]).toEqual(["stale", "a"]);
  expect(center.staleSince).toBeInstanceOf(Date);
  expect(center.lastError?.message).toContain("no watch today");

  // Listed again until the watch works, it finds nothing other, but later: that is known of the snapshot then.
  const later = await store(shared.etcd, "elsewhere", { key: 1 });
  const before = listings;
  await vi.waitFor(() => expect(listings).toBeGreaterThan(before), { timeout: 10_000 });
  watchable = true;
  await vi.waitFor(() => expect(center.state).toBe("live"), { timeout: 10_000 });
  expect(center.staleSince).toBeUndefined();
  expect(center.snapshot().revision).toBeGreaterThanOrEqual(later);
});

describe("wrong options are refused by name", () => {
  const valid = { layers, documents: { database } };
  test.each<[object, string]>([
    [{ ...valid, prefixes: "x" }, 'ConfigCenter.open: unknown option "prefixes"'],
    [
      { ...valid, prefix: "" },
      'prefix must be a string of non-empty segments between "/", not ending in one, received ""',
    ],
    [{ ...valid, prefix: "config/" }, 'received "config/"'],
    [{ ...valid, prefix: "a//b" }, "prefix must be"],
    [{ ...valid, prefix: 5 }, "prefix must be"],
    [
      { documents: valid.documents },
      "layers must be an array of 1 to 64 names, lowest precedence first, received undefined",
    ],
    [
      { ...valid, layers: [] },
      "layers must be an array of 1 to 64 names, lowest precedence first, received an array of 0",
    ],
    [
      { ...valid, layers: ["a", "/b"] },
      'layers[1] must be a string of non-empty segments between "/", received "/b"',
    ],
    [{ ...valid, layers: ["a", 1] }, "layers[1] must be"],
    [{ ...valid, layers: ["a", "b", "a"] }, 'layers must not name a layer twice, received "a" twice'],
    [{ layers }, "documents must be an object with at least one schema, received undefined"],
    [{ ...valid, documents: {} }, "documents must be an object with at least one schema"],
    [
      { ...valid, documents: { "a/b": database } },
      'documents: a name must be non-empty and without "/", received "a/b"',
    ],
    [
      { ...valid, documents: { a: { parse() {} } } },
      "documents.a must be a Standard Schema (version 1), received",
    ],
    [{ ...valid, timeoutMs: 0 }, "timeoutMs must be a number between 1 and 2147483647, received 0"],
    [{ ...valid, signal: {} }, "signal must be an AbortSignal"],
  ])("%o", async (options, message) => {
    const txn = vi.spyOn(EtcdClient.prototype, "txn");
    const error = await failure(ConfigCenter.open(shared.etcd, options as never));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(message);
    expect(txn).not.toHaveBeenCalled();
  });

  test("something that is not a client too", async () => {
    const error = await failure(ConfigCenter.open({} as never, { layers, documents }));
    expect(error).toEqual(new TypeError("etcd must be an EtcdClient, received an object of type Object"));
  });
});
