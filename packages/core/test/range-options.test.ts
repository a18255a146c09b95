import { Server, ServerCredentials } from "@grpc/grpc-js";
import { compare, type Compare, EtcdClient, op, type RangeOptions, type Sort } from "@quorumkit/core";
import { type CompactionRequest, type MethodHandler, services } from "@quorumkit/proto";
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

/**
 * Four keys whose orders by key, version, create revision, mod revision and value are all different, also backwards:
 * a field taken for another one shows.
 */
const WRITES = ["b", "d", "a", "c", "c", "c", "c", "b", "b", "a", "c=2", "b=1", "d=4", "a=3"] as const;

const ORDERS: readonly (readonly [Sort["by"], string, string])[] = [
  ["key", "abcd", "dcba"],
  ["version", "dabc", "cbad"],
  ["createRevision", "bdac", "cadb"],
  ["modRevision", "cbda", "adbc"],
  ["value", "bcad", "dacb"],
];

describe("the options of a range", () => {
  /** Revision of each write. */
  const revisions: bigint[] = [];
  beforeAll(async () => {
    for (const write of WRITES) {
      const [name, value = ""] = write.split("=");
      revisions.push((await etcd.put(`range/${name}`, value)).revision);
    }
  });

  async function read(options: RangeOptions): Promise<string> {
    const { kvs } = await etcd.range({ prefix: "range/" }, options);
    const { results } = await etcd
      .txn()
      .then(op.range({ prefix: "range/" }, options))
      .commit();
    const names = (keys: readonly { readonly key: string }[]): string =>
      keys.map(({ key }) => key.slice(-1)).join("");
    expect(names(results[0]?.kvs ?? [])).toBe(names(kvs));
    return names(kvs);
  }

  it("sort by every field, in both directions, and limit after that", async () => {
    for (const [by, ascending, descending] of ORDERS) {
      expect(await read({ sort: { by, order: "ascending" } }), by).toBe(ascending);
      expect(await read({ sort: { by, order: "descending" } }), by).toBe(descending);
      expect(await read({ sort: { by, order: "descending" }, limit: 2 }), by).toBe(descending.slice(0, 2));
    }
  });

  it("filter by create and by mod revision, from below and from above", async () => {
    const [createdD, lastB] = [revisions[1], revisions[11]];
    expect(await read({ minModRevision: lastB })).toBe("abd");
    expect(await read({ maxModRevision: lastB })).toBe("bc");
    expect(await read({ minCreateRevision: createdD })).toBe("acd");
    expect(await read({ maxCreateRevision: createdD })).toBe("bd");
    expect(await read({ minCreateRevision: createdD, maxModRevision: lastB })).toBe("c");
    expect(await read({ maxCreateRevision: createdD, minModRevision: lastB })).toBe("bd");
  });

  it("read the past, also page by page", async () => {
    const revision = revisions[2];
    expect(await read({ revision })).toBe("abd");
    const scanned: string[] = [];
    for await (const { key, version } of etcd.scan({ prefix: "range/" }, { revision, pageSize: 2 }))
      scanned.push(`${key} ${version}`);
    expect(scanned).toEqual(["range/a 1", "range/b 1", "range/d 1"]);
  });
});

describe("a lease", () => {
  it("is compared as it is, and not only whether there is one", async () => {
    const low = await etcd.leases.grant({ ttlSeconds: 60, id: 1_000n });
    const high = await etcd.leases.grant({ ttlSeconds: 60, id: 2_000n });
    await etcd.put("leased", "1", { lease: low });
    const holds = async (condition: Compare): Promise<boolean> =>
      (await etcd.txn().if(condition).commit()).succeeded;
    const { lease } = compare("leased");
    expect(await holds(lease.equals(low))).toBe(true);
    expect(await holds(lease.equals(high))).toBe(false);
    expect(await holds(lease.equals(0n))).toBe(false);
    expect(await holds(lease.notEquals(high))).toBe(true);
    expect(await holds(lease.notEquals(low))).toBe(false);
    expect(await holds(lease.lessThan(high))).toBe(true);
    expect(await holds(lease.lessThan(low))).toBe(false);
    expect(await holds(lease.greaterThan(low))).toBe(false);
    expect(await holds(compare("none").lease.equals(0n))).toBe(true);
  });

  it("stays where ignoreLease says so, and goes where nothing does", async () => {
    const lease = await etcd.leases.grant({ ttlSeconds: 60 });
    await etcd.put("kept", "1", { lease });
    await etcd.put("kept", "2", { ignoreLease: true });
    expect(await etcd.get("kept")).toMatchObject({ lease: lease.id, version: 2n });
    await etcd
      .txn()
      .then(op.put("kept", "3", { ignoreLease: true }))
      .commit();
    expect(await etcd.get("kept")).toMatchObject({ lease: lease.id, version: 3n });
    await etcd.put("kept", "4");
    expect(await etcd.get("kept")).toMatchObject({ lease: 0n, version: 4n });
  });
});

it("compact asks for a physical compaction where it is told to, and only there", async () => {
  // What etcd does with it is a matter of when it answers, so this looks at the request.
  const asked: CompactionRequest[] = [];
  const scripted = new Server();
  const unused = (): void => {};
  const compact: MethodHandler<typeof services.kv.compact> = (call, callback) => {
    asked.push(call.request);
    callback(null, { header: { revision: 9n } });
  };
  scripted.addService(services.kv, {
    compact,
    range: unused,
    put: unused,
    deleteRange: unused,
    txn: unused,
    rangeStream: unused,
  });
  const port = await new Promise<number>((resolve, reject) => {
    scripted.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  try {
    await using client = new EtcdClient({ endpoints: `http://127.0.0.1:${port}` });
    await client.compact(7n, { physical: true });
    await client.compact(8n);
    expect(asked).toMatchObject([
      { revision: 7n, physical: true },
      { revision: 8n, physical: false },
    ]);
  } finally {
    scripted.forceShutdown();
  }
});
