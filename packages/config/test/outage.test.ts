import { EtcdClient } from "@quorumkit/core";
import { startEtcd, startEtcdCluster } from "@quorumkit/testing";
import { expect, test, vi } from "vitest";
import { z } from "zod";
import { ConfigCenter } from "../src/index.ts";
import { layers, openCenter, recorded, store } from "./support.ts";

test("etcd killed: the last state is served and said to be stale; restarted: it is live again, with what changed", async () => {
  await using server = await startEtcd();
  await using etcd = new EtcdClient({ endpoints: server.endpoint });
  await store(etcd, "config", { "global/database": { host: "a" } });
  const center = await openCenter(etcd, "config");
  const [states, changes] = [recorded(center, "state"), recorded(center, "change")];
  const good = center.get("database");

  await server.kill();
  await vi.waitFor(() => expect(center.state).toBe("stale"), { timeout: 10_000 });
  expect(center.staleSince).toBeInstanceOf(Date);
  expect(Date.now() - Number(center.staleSince)).toBeGreaterThanOrEqual(0);
  expect(center.get("database")).toBe(good);

  await server.restart();
  await server.etcdctl(["put", "config/global/database", '{"host":"b"}']);
  await vi.waitFor(() => expect(center.get("database").host).toBe("b"), { timeout: 15_000 });
  await vi.waitFor(() => expect(center.state).toBe("live"), { timeout: 15_000 });
  expect(center.staleSince).toBeUndefined();
  expect(states).toEqual(["stale", "live"]);
  expect(changes).toMatchObject([{ document: "database", paths: [["host"]] }]);
});

test("history compacted while disconnected: what changed meanwhile arrives, in one change per document", async () => {
  await using cluster = await startEtcdCluster(3);
  const leader = await cluster.leader();
  const [ours, other] = cluster.members.filter((member) => member !== leader);
  if (ours === undefined || other === undefined) throw new Error("unreachable");
  await using etcd = new EtcdClient({ endpoints: ours.endpoint });
  await store(etcd, "config", { "global/database": { host: "a" }, "env/prod/database": { poolSize: 9 } });
  const center = await openCenter(etcd, "config");
  const changes = recorded(center, "change");

  await ours.kill();
  await vi.waitFor(() => expect(center.state).toBe("stale"), { timeout: 10_000 });
  await using elsewhere = new EtcdClient({ endpoints: other.endpoint });
  for (let n = 0; n < 20; n++) await store(elsewhere, "config", { "global/database": { host: `b${n}` } });
  await elsewhere.delete("config/env/prod/database");
  const revision = await store(elsewhere, "config", { "global/limits": { rps: 99 } });
  await other.etcdctl(["compact", String(revision)]);
  await ours.restart();

  await vi.waitFor(() => expect(center.state).toBe("live"), { timeout: 20_000 });
  await vi.waitFor(() => expect(center.get("limits").rps).toBe(99), { timeout: 20_000 });
  expect(center.get("database")).toEqual({ host: "b19", poolSize: 5 });
  expect(changes).toMatchObject([
    { document: "database", paths: [["host"], ["poolSize"]], previous: { host: "a", poolSize: 9 } },
    { document: "limits", previous: { rps: 10 }, current: { rps: 99 } },
  ]);
}, 60_000);

test("etcd killed again and again while two documents are written together: nobody ever sees a mix", async () => {
  await using server = await startEtcd();
  await using etcd = new EtcdClient({ endpoints: server.endpoint });
  const counter = z.object({ n: z.number().default(0) });
  await using center = await ConfigCenter.open(etcd, { layers, documents: { a: counter, b: counter } });
  const mixes: string[] = [];
  let seen = 0;
  center.on("change", () => {
    const { a, b } = center.snapshot().documents;
    if (a.n !== b.n) mixes.push(`${a.n}/${b.n}`);
    seen = a.n;
  });
  const stop = new AbortController();
  const writing = (async () => {
    for (let n = 1; !stop.signal.aborted; n++) {
      // Fails while etcd is down; whether such a write was done does not matter here.
      await store(etcd, "config", { "global/a": { n }, "env/prod/b": { n } }).catch(() => {});
    }
  })();
  for (let round = 0; round < 3; round++) {
    const before = seen;
    await vi.waitFor(() => expect(seen).toBeGreaterThan(before + 10), { timeout: 15_000 });
    await server.kill();
    await server.restart();
  }
  stop.abort();
  await writing;
  const stored = Number((await etcd.get("config/global/a"))?.json<{ n: number }>().n);
  await vi.waitFor(() => expect(center.get("b").n).toBe(stored), { timeout: 15_000 });
  await vi.waitFor(() => expect(center.state).toBe("live"));
  expect(mixes).toEqual([]);
}, 60_000);
