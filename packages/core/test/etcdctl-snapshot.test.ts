import { EtcdClient } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runRestoreTool } from "./support/restore-tool.ts";
import { TestFiles } from "./support/test-files.ts";

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

/** A new server on what is in this snapshot. */
async function startRestored(files: TestFiles, snapshot: string): Promise<EtcdServer> {
  const directory = files.path(`restored-${Math.random()}`);
  await runRestoreTool(server, ["snapshot", "restore", snapshot, `--data-dir=${directory}`]);
  // Its peers are what the tool has written; it is to be alone.
  return startEtcd({ version: server.version, args: [`--data-dir=${directory}`, "--force-new-cluster"] });
}

/** What the tool says of a snapshot, without its size, which depends on free pages. */
async function contentOf(snapshot: string): Promise<object> {
  const shown = await runRestoreTool(server, ["snapshot", "status", snapshot, "--write-out=json"]);
  const { hash, revision, totalKey } = JSON.parse(shown) as Record<string, number>;
  return { hash, revision, totalKey };
}

it("our snapshot and etcdctl's of one store are the same, and each starts a server with all that was in it", async () => {
  await using files = await TestFiles.create();
  await etcd.put("kept/a", "0");
  await etcd.put("kept/a", "1");
  await server.etcdctl(["put", "kept/b", "2"]);
  await etcd.put("gone", "");
  const lease = await etcd.leases.grant({ ttlSeconds: 600 });
  await etcd.put("kept/leased", "3", { lease });
  const { revision } = await etcd.delete("gone");

  const [ours, theirs] = [files.path("ours.db"), files.path("theirs.db")];
  await etcd.maintenance.snapshotToFile(ours, { endpoint: server.endpoint });
  await server.etcdctl(["snapshot", "save", theirs]);
  const content = await contentOf(ours);
  expect(content).toEqual(await contentOf(theirs));
  expect(content).toMatchObject({ revision: Number(revision) });
  await etcd.put("kept/a", "after the snapshots");

  for (const snapshot of [ours, theirs]) {
    await using restored = await startRestored(files, snapshot);
    await using client = new EtcdClient({ endpoints: restored.endpoints });
    const { kvs, revision: current } = await client.range({ prefix: "" });
    expect(current).toBe(revision);
    expect(kvs.map((kv) => [kv.key, kv.text(), kv.version])).toEqual([
      ["kept/a", "1", 2n],
      ["kept/b", "2", 1n],
      ["kept/leased", "3", 1n],
    ]);
    expect((await client.get("kept/a", { revision: revision - 4n }))?.text()).toBe("1");
    expect((await client.leases.timeToLive(lease, { keys: true }))?.keys.map(String)).toEqual([
      "kept/leased",
    ]);
    expect(await restored.etcdctl(["get", "kept/", "--prefix", "--print-value-only"])).toBe("1\n2\n3\n");
    await client.put("kept/a", "on");
  }
});
