import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { EtcdClient, Mirror } from "@quorumkit/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MirrorClient } from "../src/mirror/mirror.ts";
import { contentOf, record } from "./support/mirroring.ts";

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

/** A client with which something happens between the last page of a listing and the watch that follows it. */
function interfering(between: () => Promise<void>): MirrorClient {
  return {
    timeoutMs: etcd.timeoutMs,
    range: async (range, options) => etcd.range(range, options),
    watch: (range, options) => etcd.watch(range, options),
    async *pages(range, options) {
      yield* etcd.pages(range, options);
      await between();
    },
  };
}

describe("a mirror", () => {
  it("misses nothing that happens between its listing and its watch", async () => {
    await etcd.put("gap/changed", "old");
    await etcd.put("gap/deleted", "old");
    const client = interfering(async () => {
      await etcd.put("gap/changed", "new");
      await etcd.delete("gap/deleted");
      await etcd.put("gap/added", "new");
    });
    const mirror = Mirror.start(client, { prefix: "gap/" });
    const told = record(mirror);
    await mirror.ready();
    // What comes later is there, so what came before it will not come any more.
    const { revision } = await etcd.put("gap/last", "new");
    await expect.poll(() => mirror.revision, { timeout: 10_000 }).toBe(revision);
    const truth = { "gap/added": "new", "gap/changed": "new", "gap/last": "new" };
    expect(contentOf(mirror)).toEqual(truth);
    expect(told.state()).toEqual(truth);
    await mirror.close();
  });
});
