import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { EtcdClient, Mirror, type MirrorClient, op, type Watcher } from "@quorumkit/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Backup } from "./support/backup.ts";
import { contentOf, record, sorted } from "./support/mirroring.ts";
import { startTcpProxy, type TcpProxy } from "./support/tcp-proxy.ts";

/** For a busy machine, and a store that has to come up again. */
const PATIENT = { timeout: 20_000 };

let server: EtcdServer;
let proxy: TcpProxy;
let writer: EtcdClient;
let etcd: EtcdClient;
beforeEach(async () => {
  server = await startEtcd();
  proxy = await startTcpProxy(server.endpoint);
  writer = new EtcdClient({ endpoints: server.endpoints });
  etcd = new EtcdClient({ endpoints: proxy.endpoint });
});
afterEach(async () => {
  await etcd.close();
  await writer.close();
  await proxy.close();
  await server.close();
});

const keyAt = (index: number): string => `m/${String(index).padStart(4, "0")}`;

async function putMany(count: number, value: string | Uint8Array = "1"): Promise<void> {
  const keys = Array.from({ length: count }, (_, index) => keyAt(index));
  for (let first = 0; first < count; first += 100) {
    const puts = keys.slice(first, first + 100).map((key) => op.put(key, value));
    await writer
      .txn()
      .then(...puts)
      .commit({ timeoutMs: 20_000 });
  }
}

/** What the store has now. */
async function truth(): Promise<Record<string, string>> {
  const { kvs } = await writer.range({ prefix: "m/" }, { timeoutMs: 20_000 });
  return sorted(kvs.map((kv) => [kv.key, kv.text()] as const));
}

/** While the mirror is away the store goes back to the backup, and from there past where it was. */
async function restoreBehind(mirror: Mirror, backup: Backup, act: () => Promise<unknown>): Promise<void> {
  proxy.refuse();
  await expect.poll(() => mirror.state).toBe("stale");
  await backup.restore();
  await writer.get("m/0000", { timeoutMs: 20_000 });
  await act();
  for (let index = 0; index < 10; index += 1) await writer.put("elsewhere", "");
  proxy.accept();
  await expect.poll(() => mirror.state, PATIENT).toBe("live");
}

interface Watched {
  readonly client: MirrorClient;
  /** Each listing, as it was begun: with its revision where one was asked for. */
  readonly listings: { readonly revision: bigint | undefined; readonly keysOnly: boolean | undefined }[];
}

/** A client with which something happens between the pages of the first comparison. */
function interfering(between: (watcher: Watcher) => Promise<void>): Watched {
  const listings: Watched["listings"] = [];
  let done = false;
  let watcher: Watcher | undefined;
  const client: MirrorClient = {
    timeoutMs: etcd.timeoutMs,
    range: async (range, options) => etcd.range(range, options),
    watch: (range, options) => (watcher = etcd.watch(range, options)),
    async *pages(range, options) {
      listings.push({ revision: options?.revision, keysOnly: options?.keysOnly });
      for await (const page of etcd.pages(range, options)) {
        yield page;
        if (options?.revision === undefined || watcher === undefined || done) continue;
        done = true;
        await between(watcher);
      }
    },
  };
  return { client, listings };
}

describe("a mirror behind which a backup was restored", { timeout: 60_000 }, () => {
  it("is right again where the histories differ by deletions only, and of all keys", async () => {
    await putMany(600);
    await using backup = await Backup.take(server);
    const mirror = await etcd.mirror({ prefix: "m/" });
    await writer.delete("m/0000");
    await expect.poll(() => mirror.size).toBe(599);
    const told = record(mirror);
    await restoreBehind(mirror, backup, async () => writer.delete("m/0001"));
    expect(contentOf(mirror)).toEqual(await truth());
    expect(told.changes.map(({ changes }) => changes.map(({ type, key }) => [type, key]))).toEqual([
      [
        ["delete", "m/0001"],
        ["put", "m/0000"],
      ],
    ]);
    await mirror.close();
  });

  it("is right again where few keys have large values", async () => {
    const large = Buffer.alloc(600_000, "x");
    for (const key of ["a", "b"]) await writer.put(`m/${key}`, "1");
    for (const key of ["c", "d", "e"]) await writer.put(`m/${key}`, large);
    await using backup = await Backup.take(server);
    const mirror = await etcd.mirror({ prefix: "m/" });
    await writer.delete("m/a");
    await expect.poll(() => mirror.size).toBe(4);
    await restoreBehind(mirror, backup, async () => writer.delete("m/b"));
    const keys = [...mirror.entries()].map(({ key }) => key);
    expect(keys.toSorted()).toEqual(["m/a", "m/c", "m/d", "m/e"]);
    await mirror.close();
  });

  it("is right again where the same was done once more, with another value for one of many keys", async () => {
    await writer.put("m/before", "1");
    await using backup = await Backup.take(server);
    const mirror = await etcd.mirror({ prefix: "m/" });
    await putMany(600);
    await expect.poll(() => mirror.size).toBe(601);
    await restoreBehind(mirror, backup, async () => {
      const [corrected = "", ...others] = Array.from({ length: 100 }, (_, index) => keyAt(index));
      const puts = others.map((key) => op.put(key, "1"));
      await writer
        .txn()
        .then(op.put(corrected, "corrected"), ...puts)
        .commit();
      for (let first = 100; first < 600; first += 100) {
        const more = Array.from({ length: 100 }, (_, index) => op.put(keyAt(first + index), "1"));
        await writer
          .txn()
          .then(...more)
          .commit();
      }
    });
    expect(mirror.get(keyAt(0))?.text()).toBe("corrected");
    expect(contentOf(mirror)).toEqual(await truth());
    await mirror.close();
  });
});

describe("the comparison after an interruption", { timeout: 60_000 }, () => {
  it("begins anew when it is interrupted itself, so that no part of it is of another store", async () => {
    await putMany(1_200);
    await using backup = await Backup.take(server);
    const { client, listings } = interfering(async (watcher) => {
      proxy.refuse();
      await expect.poll(() => watcher.state).toBe("interrupted");
      await backup.restore();
      await writer.delete("m/0001", { timeoutMs: 20_000 });
      for (let index = 0; index < 10; index += 1) await writer.put("elsewhere", "");
      proxy.accept();
      await expect.poll(() => watcher.state, PATIENT).toBe("live");
    });
    const mirror = Mirror.start(client, { prefix: "m/" });
    await mirror.ready();
    const atLive: unknown[] = [];
    mirror.on("state", (state) => {
      if (state === "live") atLive.push(mirror.get("m/0000")?.text());
    });
    await writer.delete("m/0000");
    await expect.poll(() => mirror.size).toBe(1_199);
    const revision = mirror.revision;
    proxy.cut();
    await expect.poll(() => contentOf(mirror), PATIENT).toMatchObject({ "m/0000": "1" });
    await expect.poll(() => mirror.state, PATIENT).toBe("live");
    expect(contentOf(mirror)).toEqual(await truth());
    expect(atLive).toEqual(["1"]);
    const compared = { revision, keysOnly: false };
    const listed = { revision: undefined, keysOnly: undefined };
    expect(listings).toEqual([listed, compared, compared, listed]);
    await mirror.close();
  });

  it("takes what changes meanwhile for no difference", async () => {
    await putMany(1_200);
    let last = 0n;
    const { client, listings } = interfering(async () => {
      await writer.delete("m/0000");
      await writer.put("m/1100", "2");
      ({ revision: last } = await writer.put("m/new", "1"));
      await expect.poll(() => mirror.revision).toBe(last);
    });
    const mirror = Mirror.start(client, { prefix: "m/" });
    const told = record(mirror);
    await mirror.ready();
    proxy.cut();
    await expect.poll(() => told.states).toContain("stale");
    await expect.poll(() => mirror.state, PATIENT).toBe("live");
    expect(listings.map(({ revision }) => revision === undefined)).toEqual([true, false]);
    expect(told.changes.slice(1).map(({ changes }) => changes.map(({ key }) => key))).toEqual([
      ["m/0000"],
      ["m/1100"],
      ["m/new"],
    ]);
    expect(contentOf(mirror)).toEqual(await truth());
    await mirror.close();
  });

  it("gives way to a new listing when its revision is compacted meanwhile, and nothing is told where nothing differs", async () => {
    await putMany(1_200);
    const { client, listings } = interfering(async () => {
      const { revision } = await writer.put("elsewhere", "");
      await writer.compact(revision);
    });
    const mirror = Mirror.start(client, { prefix: "m/" });
    const told = record(mirror);
    await mirror.ready();
    proxy.cut();
    await expect.poll(() => told.states).toContain("stale");
    await expect.poll(() => mirror.state, PATIENT).toBe("live");
    expect(listings.map(({ revision }) => revision === undefined)).toEqual([true, false, true]);
    expect(told.changes).toHaveLength(1);
    expect(contentOf(mirror)).toEqual(await truth());
    await mirror.close();
  });

  it("reads no values where they are many, and no more than its first look where that shows all", async () => {
    const before = proxy.bytes.answers;
    const compare = async (mirror: Mirror): Promise<number> => {
      const told = record(mirror);
      const { answers } = proxy.bytes;
      proxy.cut();
      await expect.poll(() => told.states).toContain("stale");
      await expect.poll(() => mirror.state, PATIENT).toBe("live");
      return proxy.bytes.answers - answers;
    };
    await putMany(100);
    const small = interfering(async () => {});
    const few = Mirror.start(small.client, { prefix: "m/" });
    await few.ready();
    expect(await compare(few)).toBeLessThan(20_000);
    expect(small.listings).toHaveLength(1);
    await few.close();

    await putMany(400, Buffer.alloc(10_000, "x"));
    const large = interfering(async () => {});
    const many = Mirror.start(large.client, { prefix: "m/" });
    await many.ready();
    expect(proxy.bytes.answers - before).toBeGreaterThan(4_000_000);
    // 1 MiB of the newest values, and all keys.
    expect(await compare(many)).toBeLessThan(1_200_000);
    expect(large.listings.map(({ keysOnly }) => keysOnly)).toEqual([undefined, true]);
    await many.close();
  });

  it("also comes to an end where its first look is more than the client takes at once", async () => {
    await using modest = new EtcdClient({ endpoints: proxy.endpoint, maxResponseBytes: 2 * 1024 * 1024 });
    for (const first of [0, 100]) {
      const keys = Array.from({ length: 100 }, (_, index) => keyAt(first + index) + "x".repeat(12_000));
      await writer
        .txn()
        .then(...keys.map((key) => op.put(key, "1")))
        .commit();
    }
    const mirror = await modest.mirror({ prefix: "m/" });
    const told = record(mirror);
    proxy.cut();
    await expect.poll(() => told.states).toContain("stale");
    await expect.poll(() => mirror.state, PATIENT).toBe("live");
    expect(told.changes).toEqual([]);
    await mirror.close();
  });
});
