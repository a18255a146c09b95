import { EtcdClient, op } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { feedEtcdctl, spawnEtcdctl } from "./support/etcdctl-process.ts";
import { collect } from "./support/watching.ts";

/** For a busy machine. */
const PATIENT = { timeout: 15_000 };

/** No text in any encoding, with a newline and a zero in it. */
const BINARY = Buffer.from([0x00, 0xff, 0x0a, 0xc3, 0x28, 0x80]);

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

/** What `etcdctl watch -w json` prints for a batch of events, in the parts that are looked at. */
interface PrintedBatch {
  readonly Header: { readonly revision: number };
  readonly Events?: readonly {
    readonly type?: number;
    readonly kv: { readonly key: string; readonly value?: string; readonly mod_revision: number };
    readonly prev_kv?: { readonly value: string };
  }[];
}

/** The events of a printed watch: revision, put or delete, key, value, value before. */
function eventsOf(lines: readonly string[]): (readonly unknown[])[] {
  const bytes = (base64: string | undefined): Buffer | undefined =>
    base64 === undefined ? undefined : Buffer.from(base64, "base64");
  return lines
    .flatMap((line) => (JSON.parse(line) as PrintedBatch).Events ?? [])
    .map(({ type, kv, prev_kv: before }) => [
      BigInt(kv.mod_revision),
      type === 1 ? "delete" : "put",
      bytes(kv.key),
      bytes(kv.value),
      bytes(before?.value),
    ]);
}

it("etcdctl watch sees what we write: texts and bytes, transactions in one batch, deletions with what was there", async () => {
  const { revision: created } = await etcd.put("ours/a", "1");
  const watch = await spawnEtcdctl(server, [
    "watch",
    "ours/",
    "--prefix",
    "--prev-kv",
    `--rev=${created}`,
    "--write-out=json",
  ]);
  await expect.poll(() => eventsOf(watch.lines).length, PATIENT).toBe(1);
  const { revision: changed } = await etcd.put("ours/a", BINARY);
  const both = await etcd
    .txn()
    .then(op.put("ours/b", "2"), op.put(Buffer.from("ours/c"), "3"))
    .commit();
  const { revision: deleted } = await etcd.delete({ prefix: "ours/" });
  await expect.poll(() => eventsOf(watch.lines).length, PATIENT).toBe(7);

  const [a, b, c] = ["ours/a", "ours/b", "ours/c"].map((key) => Buffer.from(key));
  expect(eventsOf(watch.lines)).toEqual([
    [created, "put", a, Buffer.from("1"), undefined],
    [changed, "put", a, BINARY, Buffer.from("1")],
    [both.revision, "put", b, Buffer.from("2"), undefined],
    [both.revision, "put", c, Buffer.from("3"), undefined],
    [deleted, "delete", a, undefined, BINARY],
    [deleted, "delete", b, undefined, Buffer.from("2")],
    [deleted, "delete", c, undefined, Buffer.from("3")],
  ]);
});

it("our watch sees what etcdctl writes: texts and bytes, deletions with what was there, the lease", async () => {
  const { revision } = await etcd.put("theirs-begin", "");
  await using watcher = etcd.watch({ prefix: "theirs/" }, { startRevision: revision, prevKv: true });
  const seen = collect(watcher);
  await server.etcdctl(["put", "theirs/a", "1"]);
  await feedEtcdctl(server, ["put", "theirs/a"], BINARY);
  const granted = await server.etcdctl(["lease", "grant", "600"]);
  const lease = /lease ([0-9a-f]+) granted/.exec(granted)?.[1] ?? "";
  await server.etcdctl(["put", "theirs/b", "2", `--lease=${lease}`]);
  await server.etcdctl(["del", "theirs/a"]);
  await server.etcdctl(["lease", "revoke", lease]);
  const events = () => seen.batches.flatMap((batch) => batch.events);
  await expect.poll(() => events().length, PATIENT).toBe(5);

  const shown = events().map(({ type, key, kv, prevKv, isCreate }) => [
    type,
    key,
    kv.value,
    prevKv?.value,
    isCreate,
  ]);
  const none = Buffer.alloc(0);
  expect(shown).toEqual([
    ["put", "theirs/a", Buffer.from("1"), undefined, true],
    ["put", "theirs/a", BINARY, Buffer.from("1"), false],
    ["put", "theirs/b", Buffer.from("2"), undefined, true],
    ["delete", "theirs/a", none, BINARY, false],
    ["delete", "theirs/b", none, Buffer.from("2"), false],
  ]);
  expect(events()[2]?.kv.lease).toBe(BigInt(`0x${lease}`));
  expect(events().map(({ kv }) => kv.modRevision)).toEqual([1n, 2n, 3n, 4n, 5n].map((n) => revision + n));
});
