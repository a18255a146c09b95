import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { EtcdClient } from "@quorumkit/core";
import { type MethodHandler, services } from "@quorumkit/proto";
import { startEtcd, type EtcdServer } from "@quorumkit/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runRestoreTool } from "./support/restore-tool.ts";
import { isAtLeast } from "./support/server-version.ts";

let server: EtcdServer;
let etcd: EtcdClient;
let directory: string;
let path: string;
beforeAll(async () => {
  server = await startEtcd();
  etcd = new EtcdClient({ endpoints: server.endpoints });
  for (let index = 0; index < 40; index += 1) await etcd.put(`key/${index}`, Buffer.alloc(100_000, index));
});
afterAll(async () => {
  await etcd.close();
  await server.close();
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "snapshot-"));
  path = join(directory, "backup.db");
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** Where bolt, etcd's database, has the mark of its first page: behind that page's header of 16 bytes. */
const BOLT_MARK = [16, 0xed0cdaed] as const;

describe("a snapshot", () => {
  it("is written whole, with its checksum, and nothing is left beside it", async () => {
    const progress: { receivedBytes: number; remainingBytes: number }[] = [];
    const { endpoint } = server;
    const file = await etcd.maintenance.snapshotToFile(path, {
      endpoint,
      onProgress: (each) => progress.push(each),
    });
    const bytes = await readFile(path);
    expect(file).toMatchObject({ path, sizeBytes: bytes.length });
    expect(file.version !== undefined).toBe(isAtLeast(server, "3.6"));
    expect(bytes.length).toBeGreaterThan(4_000_000);
    expect(bytes.length % 512).toBe(32);
    expect(bytes.readUInt32LE(BOLT_MARK[0])).toBe(BOLT_MARK[1]);
    expect(createHash("sha256").update(bytes.subarray(0, -32)).digest().equals(bytes.subarray(-32))).toBe(
      true,
    );
    expect(await readdir(directory)).toEqual(["backup.db"]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(progress.length).toBeGreaterThan(2);
    expect(progress.at(-1)).toEqual({ receivedBytes: bytes.length, remainingBytes: 0 });
    for (const [index, { receivedBytes }] of progress.entries())
      expect(receivedBytes).toBeGreaterThan(progress[index - 1]?.receivedBytes ?? 0);
  });

  it("has all keys, and starts a server with them", async () => {
    await etcd.maintenance.snapshotToFile(path);
    const { revision } = await etcd.range("key/0");
    const status = JSON.parse(
      await runRestoreTool(server, ["snapshot", "status", path, "-w", "json"]),
    ) as Record<string, number>;
    expect(BigInt(status["revision"] ?? 0)).toBe(revision);
    const restored = join(directory, "restored");
    await runRestoreTool(server, ["snapshot", "restore", path, `--data-dir=${restored}`]);
    await using copy = await startEtcd({
      version: server.version,
      args: [`--data-dir=${restored}`, "--force-new-cluster"],
    });
    await using client = new EtcdClient({ endpoints: copy.endpoints });
    const { kvs } = await client.range({ prefix: "key/" });
    expect(kvs).toHaveLength(40);
    for (const kv of kvs) expect(kv.value.equals(Buffer.alloc(100_000, Number(kv.key.slice(4))))).toBe(true);
  });

  it("gets a path that another one is on its way to whole, and leaves nothing beside it", async () => {
    const { maintenance } = etcd;
    // The first one is in the middle when the second begins, and ends before it.
    let second: Promise<unknown> | undefined;
    await maintenance.snapshotToFile(path, {
      onProgress: () => void (second ??= maintenance.snapshotToFile(path)),
    });
    const bytes = await readFile(path);
    expect(createHash("sha256").update(bytes.subarray(0, -32)).digest().equals(bytes.subarray(-32))).toBe(
      true,
    );
    await second;
    await Promise.all(Array.from({ length: 3 }, async () => maintenance.snapshotToFile(path)));
    expect(await readdir(directory)).toEqual(["backup.db"]);
  });

  it("replaces an older one only when it is whole", async () => {
    await etcd.maintenance.snapshotToFile(path);
    const before = await readFile(path);
    await etcd.put("newer", "x");
    const stop = new AbortController();
    const aborted = etcd.maintenance.snapshotToFile(path, {
      signal: stop.signal,
      onProgress: () => stop.abort(new Error("enough")),
    });
    await expect(aborted).rejects.toMatchObject({ code: "ABORTED", cause: new Error("enough") });
    expect(await readdir(directory)).toEqual(["backup.db"]);
    expect((await readFile(path)).equals(before)).toBe(true);
    await etcd.maintenance.snapshotToFile(path);
    expect((await readFile(path)).equals(before)).toBe(false);
  });

  it("comes as a stream, at the reader's pace, and knows how much is left", async () => {
    const snapshot = etcd.maintenance.snapshot();
    expect([snapshot.receivedBytes, snapshot.remainingBytes]).toEqual([0, undefined]);
    const pieces: Buffer[] = [];
    for await (const piece of Readable.from(snapshot) as AsyncIterable<Buffer>) pieces.push(piece);
    const bytes = Buffer.concat(pieces);
    expect(snapshot.receivedBytes).toBe(bytes.length);
    expect(snapshot.remainingBytes).toBe(0);
    expect(createHash("sha256").update(bytes.subarray(0, -32)).digest().equals(bytes.subarray(-32))).toBe(
      true,
    );
    await expect(snapshot[Symbol.asyncIterator]().next()).rejects.toThrow(/can be read once/);
    for await (const piece of etcd.maintenance.snapshot()) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
  });

  it("refuses wrong input before anything is written", async () => {
    await expect(etcd.maintenance.snapshotToFile("")).rejects.toThrow(/path must be a non-empty string/);
    await expect(etcd.maintenance.snapshotToFile(path, { onProgress: 1 as never })).rejects.toThrow(
      /onProgress/,
    );
    await expect(etcd.maintenance.snapshotToFile(path, { endpoint: "http://127.0.0.1:1" })).rejects.toThrow(
      /endpoint must be one of the client's/,
    );
    await expect(etcd.maintenance.snapshotToFile(join(directory, "no", "x"))).rejects.toMatchObject({
      code: "ENOENT",
    });
    expect(await readdir(directory)).toEqual([]);
  });
});

describe("a snapshot that is not whole", () => {
  const database = Buffer.alloc(8192, 7);
  const checksum = createHash("sha256").update(database).digest();

  it.each([
    ["is cut off", [database], /ended after 8192 bytes/],
    ["is cut off in a page", [database, checksum.subarray(5)], /ended after/],
    ["lost a piece", [database.subarray(512), checksum], /not what its checksum says/],
    ["was changed", [Buffer.alloc(8192, 8), checksum], /not what its checksum says/],
    ["is empty", [], /ended after 0 bytes/],
  ])("%s: is refused and leaves no file", async (_, pieces, message) => {
    await using fake = await fakeServer(pieces);
    await using client = new EtcdClient({ endpoints: fake.endpoint });
    const write = client.maintenance.snapshotToFile(path);
    await expect(write).rejects.toMatchObject({
      code: "PROTOCOL",
      message: expect.stringMatching(message) as string,
    });
    expect(await readdir(directory)).toEqual([]);
  });

  it("does not come for ever", async () => {
    await using fake = await fakeServer([database], { ends: false });
    await using client = new EtcdClient({ endpoints: fake.endpoint });
    await expect(client.maintenance.snapshotToFile(path, { timeoutMs: 300 })).rejects.toMatchObject({
      code: "TIMEOUT",
    });
    expect(await readdir(directory)).toEqual([]);
  });

  it("is accepted when it is whole after all, however it is cut into pieces", async () => {
    const all = Buffer.concat([database, checksum]);
    const pieces = Array.from(all, (_, index) => all.subarray(index, index + 1)).filter(
      ({ length }) => length > 0,
    );
    await using fake = await fakeServer([
      ...pieces.slice(0, 500),
      all.subarray(500, 8200),
      all.subarray(8200),
    ]);
    await using client = new EtcdClient({ endpoints: fake.endpoint });
    await client.maintenance.snapshotToFile(path);
    expect((await readFile(path)).equals(all)).toBe(true);
  });
});

/** A server whose snapshot is these pieces. */
async function fakeServer(
  pieces: readonly Buffer[],
  { ends = true }: { readonly ends?: boolean } = {},
): Promise<{ readonly endpoint: string } & AsyncDisposable> {
  const fake = new Server();
  const snapshot: MethodHandler<typeof services.maintenance.snapshot> = (call) => {
    for (const blob of pieces) call.write({ blob, remainingBytes: 0n });
    if (ends) call.end();
  };
  fake.addService({ snapshot: services.maintenance.snapshot }, { snapshot });
  const port = await new Promise<number>((resolve, reject) => {
    fake.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    endpoint: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => fake.forceShutdown(),
  };
}
