import {
  type ClientOptions,
  compare,
  type DeleteOptions,
  EtcdClient,
  type GetOptions,
  type GrantOptions,
  type LeaseRef,
  op,
  type Op,
  type PutOptions,
  type RangeOptions,
  type ScanOptions,
  type SessionOptions,
} from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TcpProxy, startTcpProxy } from "./support/tcp-proxy.ts";

const SECRET = "hunter2";

function thrownBy(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("client options", () => {
  const refused: readonly [what: string, options: unknown, message: RegExp][] = [
    ["no options", undefined, /EtcdClient: options must be an object, received undefined/],
    ["null", null, /options must be an object, received null/],
    [
      "an unknown option",
      { endpoints: "a:1", timeout: 5 },
      /unknown option "timeout"; known are endpoints, .*timeoutMs/,
    ],
    ["no endpoints", {}, /endpoints must be a URL or a non-empty array of URLs, received undefined/],
    ["an empty list", { endpoints: [] }, /endpoints must be .* received an array of 0/],
    ["a number as list", { endpoints: 2379 }, /endpoints must be .* received 2379/],
    ["an empty endpoint", { endpoints: [""] }, /endpoints: an endpoint must be a non-empty string/],
    ["a number as endpoint", { endpoints: [2379] }, /endpoints: an endpoint must be .* received 2379/],
    [
      "another protocol",
      { endpoints: "ftp://a:1" },
      /protocol ftp: is not supported.*received "ftp:\/\/a:1"/,
    ],
    ["no URL", { endpoints: "http://" }, /endpoints: not a URL/],
    ["a port too high", { endpoints: "a:65536" }, /endpoints: not a URL.*received "a:65536"/],
    ["a path", { endpoints: "http://a:1/v3" }, /an endpoint has no path/],
    ["a query", { endpoints: "http://a:1?x=1" }, /an endpoint has no path/],
    ["a fragment", { endpoints: "http://a:1#x" }, /an endpoint has no path/],
    ["a user", { endpoints: `http://me:${SECRET}@a:1` }, /an endpoint has no user in it/],
    ["a password", { endpoints: `http://:${SECRET}@a:1` }, /an endpoint has no user in it/],
    ["a user in no URL", { endpoints: `http://me:${SECRET}@a:99999` }, /not a URL/],
    [
      "a timeout of zero",
      { endpoints: "a:1", timeoutMs: 0 },
      /timeoutMs must be a number between 1 and .* received 0/,
    ],
    ["a negative timeout", { endpoints: "a:1", timeoutMs: -1 }, /timeoutMs .* received -1/],
    ["a timeout that is none", { endpoints: "a:1", timeoutMs: Number.NaN }, /timeoutMs .* received NaN/],
    ["an endless timeout", { endpoints: "a:1", timeoutMs: Infinity }, /timeoutMs .* received Infinity/],
    ["a timeout in words", { endpoints: "a:1", timeoutMs: "5s" }, /timeoutMs .* received "5s"/],
  ];
  it.each(refused)("%s", (_what, options, message) => {
    const error = thrownBy(() => new EtcdClient(options as ClientOptions));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain(SECRET);
  });

  it("the caller's options are left as they are, and later changes to them have no effect", async () => {
    const endpoints = ["http://127.0.0.1:1"];
    const options = Object.freeze({ endpoints });
    await using etcd = new EtcdClient(options);
    endpoints.push("nonsense");
    expect(etcd.timeoutMs).toBe(5_000);
  });
});

describe("requests", () => {
  let server: EtcdServer;
  let proxy: TcpProxy;
  let etcd: EtcdClient;
  beforeAll(async () => {
    server = await startEtcd();
    proxy = await startTcpProxy(server.endpoint);
    etcd = new EtcdClient({ endpoints: proxy.endpoint });
  });
  afterAll(async () => {
    await etcd.close();
    await proxy.close();
    await server.close();
  });

  /** Casts what the types refuse, for callers without types. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a cast is all it is
  const bad = <T>(value: unknown): T => value as T;
  const put = async (key: unknown, value: unknown, options?: unknown): Promise<unknown> =>
    etcd.put(bad<string>(key), bad<string>(value), options as PutOptions);
  const get = async (key: unknown, options?: unknown): Promise<unknown> =>
    etcd.get(bad<string>(key), options as GetOptions);
  const range = async (keys: unknown, options?: unknown): Promise<unknown> =>
    etcd.range(bad<string>(keys), options as RangeOptions);
  const remove = async (keys: unknown, options?: unknown): Promise<unknown> =>
    etcd.delete(bad<string>(keys), options as DeleteOptions);
  const scan = (keys: unknown, options?: unknown): unknown =>
    etcd.scan(bad<string>(keys), options as ScanOptions);
  const grant = async (options: unknown): Promise<unknown> => etcd.leases.grant(options as GrantOptions);

  const refused: readonly [what: string, call: () => unknown, message: RegExp][] = [
    ["an empty key", () => put("", "x"), /key must not be empty/],
    ["a key of no bytes", () => get(new Uint8Array()), /key must not be empty/],
    ["a number as key", () => put(1, "x"), /key must be a string or a Uint8Array, received 1/],
    ["no key", () => get(undefined), /key must be .* received undefined/],
    ["a number as value", () => put("a", 1), /value must be a string or a Uint8Array, received 1/],
    ["no value", () => put("a", undefined), /value must be .* received undefined/],
    [
      "an object as value",
      () => put("a", { password: SECRET }),
      /value must be .* received an object of type Object/,
    ],
    ["a function as value", () => put("a", () => SECRET), /value must be .* received a function/],
    ["options that are none", () => put("a", "1", 5), /put: options must be an object, received 5/],
    ["options of null", () => get("a", null), /get: options must be an object, received null/],
    ["a misspelt option", () => put("a", "1", { leaseId: 1n }), /put: unknown option "leaseId"/],
    ["an option of another call", () => get("a", { limit: 1 }), /get: unknown option "limit"/],
    ["a lease of zero", () => put("a", "1", { lease: 0n }), /lease must be a lease or its id, received 0n/],
    ["a lease as number", () => put("a", "1", { lease: 1 }), /lease must be .* received 1/],
    ["a negative lease", () => put("a", "1", { lease: -1n }), /lease must be .* received -1n/],
    ["a lease beyond 63 bits", () => put("a", "1", { lease: 2n ** 63n }), /lease must be/],
    ["a lease of null", () => put("a", "1", { lease: null }), /lease must be .* received null/],
    [
      "a boolean in words",
      () => put("a", "1", { prevKv: "yes" }),
      /prevKv must be a boolean, received "yes"/,
    ],
    [
      "ignoreValue with a value",
      () => put("a", "1", { ignoreValue: true }),
      /value must be empty with ignoreValue/,
    ],
    [
      "ignoreLease with a lease",
      () => put("a", "1", { ignoreLease: true, lease: 1n }),
      /lease must be absent with ignoreLease/,
    ],
    ["a range to get", () => get({ prefix: "a" }), /get takes one key/],
    ["an empty interval", () => range({ from: "b", to: "a" }), /key.from must come before key.to/],
    ["an empty end", () => range({ from: "b", to: "" }), /key.to must not be empty/],
    [
      "a range of unknown shape",
      () => range({ prefx: "a" }),
      /key must be a key, \{ prefix \} or \{ from, to \}/,
    ],
    ["a range of two shapes", () => range({ prefix: "a", from: "b" }), /key must be a key, \{ prefix \}/],
    ["a prefix of the wrong type", () => remove({ prefix: 1 }), /key.prefix must be .* received 1/],
    ["nothing to delete", () => remove(undefined), /key must be .* received undefined/],
    [
      "a negative limit",
      () => range("a", { limit: -1 }),
      /limit must be a whole number at least 0, received -1/,
    ],
    ["half a limit", () => range("a", { limit: 1.5 }), /limit must be .* received 1.5/],
    ["a limit as bigint", () => range("a", { limit: 1n }), /limit must be .* received 1n/],
    [
      "a negative revision",
      () => get("a", { revision: -1n }),
      /revision must be a bigint between 0n .* received -1n/,
    ],
    ["a revision as number", () => get("a", { revision: 1 }), /revision must be .* received 1/],
    ["a revision beyond 63 bits", () => get("a", { revision: 2n ** 63n }), /revision must be/],
    ["a negative filter", () => range("a", { minModRevision: -1n }), /minModRevision must be/],
    [
      "an unknown order",
      () => range("a", { sort: { by: "key", order: "up" } }),
      /sort.order .* received "up"/,
    ],
    [
      "an unknown sort field",
      () => range("a", { sort: { by: "size", order: "ascending" } }),
      /sort.by .* "size"/,
    ],
    [
      "a sort field of Object's own",
      () => range("a", { sort: { by: "toString", order: "ascending" } }),
      /sort.by .* received "toString"/,
    ],
    ["no sort", () => range("a", { sort: null }), /sort: options must be an object, received null/],
    ["pages of nothing", () => scan({ prefix: "" }, { pageSize: 0 }), /pageSize must be .* received 0/],
    ["a scan from a number", () => scan({ prefix: "" }, { revision: 1 }), /revision must be .* received 1/],
    [
      "a signal that is none",
      () => get("a", { signal: {} }),
      /signal must be an AbortSignal, received an object/,
    ],
    [
      "a controller as signal",
      () => put("a", "1", { signal: new AbortController() }),
      /signal must be an AbortSignal/,
    ],
    [
      "a scan with a wrong signal",
      () => scan({ prefix: "" }, { signal: 1 }),
      /signal must be an AbortSignal, received 1/,
    ],
    ["a timeout of zero", () => put("a", "1", { timeoutMs: 0 }), /timeoutMs must be .* received 0/],
    [
      "a timeout beyond timers",
      () => get("a", { timeoutMs: 2 ** 31 }),
      /timeoutMs must be .* received 2147483648/,
    ],
    ["a TTL of zero", () => grant({ ttlSeconds: 0 }), /ttlSeconds must be .* received 0/],
    ["half a TTL", () => grant({ ttlSeconds: 1.5 }), /ttlSeconds must be .* received 1.5/],
    ["a negative TTL", () => grant({ ttlSeconds: -5 }), /ttlSeconds must be .* received -5/],
    ["no TTL", () => grant({}), /ttlSeconds must be .* received undefined/],
    [
      "a TTL above etcd's limit",
      () => grant({ ttlSeconds: 9_000_000_001 }),
      /ttlSeconds must be .* 9000000001/,
    ],
    ["a lease id of zero", () => grant({ ttlSeconds: 5, id: 0n }), /id must be .* received 0n/],
    ["a lease id beyond 63 bits", () => grant({ ttlSeconds: 5, id: 2n ** 63n }), /id must be/],
    [
      "a session's TTL in words",
      () => etcd.openSession(bad<SessionOptions>({ ttlSeconds: "10" })),
      /ttlSeconds .* "10"/,
    ],
    [
      "a session's unknown option",
      () => etcd.openSession(bad<SessionOptions>({ ttl: 1 })),
      /openSession: unknown option "ttl"/,
    ],
    [
      "a wrong lease to revoke",
      () => etcd.leases.revoke(bad<LeaseRef>("7")),
      /lease must be .* received "7"/,
    ],
    [
      "a wrong lease to look at",
      () => etcd.leases.timeToLive(bad<LeaseRef>({})),
      /lease must be .* received an object/,
    ],
    [
      "a wrong signal for a renewal",
      () => etcd.leases.keepAliveOnce(1n, bad({ signal: 1 })),
      /signal must be/,
    ],
    ["unknown options of list", () => etcd.leases.list(bad({ limit: 1 })), /list: unknown option "limit"/],
    [
      "a compare with a number",
      () => compare("a").version.equals(bad<bigint>(0)),
      /version must be .* received 0/,
    ],
    ["a compare with less than nothing", () => compare("a").modRevision.equals(-1n), /modRevision must be/],
    ["a compare of an empty key", () => compare(""), /key must not be empty/],
    [
      "a compare with a wrong value",
      () => compare("a").value.equals(bad<string>(5)),
      /value must be .* received 5/,
    ],
    [
      "an operation with call options",
      () => op.put("a", "1", bad({ timeoutMs: 5 })),
      /put: unknown option "timeoutMs"/,
    ],
    ["an operation on no key", () => op.delete(""), /key must not be empty/],
    [
      "a condition that is none",
      () => etcd.txn().if(bad("a")),
      /if takes conditions made with compare\(\), received "a"/,
    ],
    [
      "an operation that is none",
      () => etcd.txn().then(bad<Op>({})),
      /then takes operations made with op, received an object/,
    ],
    [
      "an unknown commit option",
      () => etcd.txn().commit(bad({ retry: true })),
      /commit: unknown option "retry"/,
    ],
  ];

  it.each(refused)("%s", async (_what, call, message) => {
    const { calls } = proxy;
    let error: unknown;
    try {
      await call();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain(SECRET);
    // Refused before anything was sent.
    expect(proxy.calls).toBe(calls);
  });

  it("did nothing of all that", async () => {
    expect((await etcd.range({ prefix: "" })).count).toBe(0n);
    expect(await etcd.leases.list()).toEqual([]);
  });

  it("an absent option may also be undefined", async () => {
    const nothing = { signal: undefined, timeoutMs: undefined, lease: undefined, prevKv: undefined };
    await etcd.put("undefined", "1", nothing);
    const { count } = await etcd.range("undefined", {
      limit: undefined,
      sort: undefined,
      revision: undefined,
    });
    expect(count).toBe(1n);
    await etcd.delete("undefined");
  });

  it("what only the server can refuse has no effect either", async () => {
    const { revision } = await etcd.range({ prefix: "" });
    await expect(etcd.put("big", Buffer.alloc(1.6 * 1024 * 1024))).rejects.toMatchObject({
      code: "REQUEST_TOO_LARGE",
      outcome: "notApplied",
    });
    const many = Array.from({ length: 129 }, (_, index) => op.put(`many/${index}`, "x"));
    await expect(
      etcd
        .txn()
        .then(...many)
        .commit(),
    ).rejects.toMatchObject({ code: "TOO_MANY_OPERATIONS", outcome: "notApplied" });
    const after = await etcd.range({ prefix: "" });
    expect(after).toMatchObject({ revision, count: 0n });
  });
});
