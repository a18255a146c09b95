import { compare, EtcdClient, op } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { feedEtcdctl } from "./support/etcdctl-process.ts";

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

/** `etcdctl txn`: three paragraphs of conditions, operations, and operations otherwise. */
async function etcdctlTxn(
  conditions: readonly string[],
  then: readonly string[],
  otherwise: readonly string[] = [],
): Promise<string[]> {
  const paragraphs = [conditions, then, otherwise].map((lines) => `${lines.join("\n")}\n\n`);
  const printed = await feedEtcdctl(server, ["txn"], paragraphs.join(""));
  return printed.split("\n").filter((line) => line !== "");
}

it("etcdctl's transaction compares what we wrote, and we read what it did", async () => {
  await etcd.put("ours/a", "0");
  await etcd.put("ours/a", "1");
  const kv = await etcd.get("ours/a");
  const conditions = [
    'value("ours/a") = "1"',
    'version("ours/a") = "2"',
    `create("ours/a") = "${kv?.createRevision}"`,
    `mod("ours/a") = "${kv?.modRevision}"`,
    'version("ours/none") = "0"',
  ];
  const operations = ["put ours/a 2", "put ours/b 3", "get ours/a"];
  expect(await etcdctlTxn(conditions, operations, ["get ours/a"])).toEqual([
    "SUCCESS",
    "OK",
    "OK",
    "ours/a",
    "2",
  ]);
  const { kvs } = await etcd.range({ prefix: "ours/" });
  expect(kvs.map((each) => [each.key, each.text(), each.modRevision])).toEqual([
    ["ours/a", "2", (kv?.modRevision ?? 0n) + 1n],
    ["ours/b", "3", (kv?.modRevision ?? 0n) + 1n],
  ]);
  // Nothing of it is true any more.
  for (const condition of conditions.slice(0, 2).concat(conditions[3] ?? ""))
    expect(await etcdctlTxn([condition], ["del ours/a"], ["get ours/b"])).toEqual(["FAILURE", "ours/b", "3"]);
});

it("our transaction compares what etcdctl wrote, and etcdctl reads what it did", async () => {
  await server.etcdctl(["put", "theirs/a", "0"]);
  await server.etcdctl(["put", "theirs/a", "1"]);
  const shown = JSON.parse(await server.etcdctl(["get", "theirs/a", "--write-out=json"])) as {
    kvs: [{ create_revision: number; mod_revision: number }];
  };
  const [{ create_revision: created, mod_revision: modified }] = shown.kvs;
  const txn = etcd
    .txn()
    .if(
      compare("theirs/a").value.equals("1"),
      compare("theirs/a").version.equals(2n),
      compare("theirs/a").createRevision.equals(BigInt(created)),
      compare("theirs/a").modRevision.equals(BigInt(modified)),
      compare("theirs/a").lease.equals(0n),
      compare({ prefix: "theirs/" }).version.greaterThan(0n),
    )
    .then(
      op.put("theirs/a", "2"),
      op.txn(etcd.txn().if(compare("theirs/b").version.equals(0n)).then(op.put("theirs/b", "3"))),
    );
  expect((await txn.commit()).succeeded).toBe(true);
  expect(await server.etcdctl(["get", "theirs/", "--prefix"])).toBe("theirs/a\n2\ntheirs/b\n3\n");
  expect((await txn.commit()).succeeded).toBe(false);
});

it("only one of a transaction of ours and one of etcdctl's wins", async () => {
  for (let round = 0; round < 5; round += 1) {
    const key = `race/${round}`;
    const [theirs, ours] = await Promise.all([
      etcdctlTxn([`version("${key}") = "0"`], [`put ${key} etcdctl`]),
      etcd.putIfAbsent(key, "ours"),
    ]);
    const winner = (await etcd.get(key))?.text();
    expect([theirs[0] === "SUCCESS", ours.created]).toEqual([winner === "etcdctl", winner === "ours"]);
  }
});
