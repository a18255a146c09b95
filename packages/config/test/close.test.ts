import { EtcdClient } from "@quorumkit/core";
import { startEtcd } from "@quorumkit/testing";
import { expect, test, vi } from "vitest";
import { z } from "zod";
import { ConfigCenter } from "../src/index.ts";
import { documents, layers, recorded, sharedEtcd, store } from "./support.ts";

const shared = sharedEtcd();

async function opened() {
  const prefix = shared.prefix();
  await store(shared.etcd, prefix, { "global/database": { host: "a" } });
  return { prefix, center: await ConfigCenter.open(shared.etcd, { prefix, layers, documents }) };
}

/** How many watches the server has. */
async function watchers(): Promise<number> {
  const metrics = await (await fetch(`${shared.server.endpoint}/metrics`)).text();
  return Number(/^etcd_debugging_mvcc_watcher_total (\d+)$/m.exec(metrics)?.[1]);
}

test("closing twice is closing once; get() keeps the last state, and no event comes any more", async () => {
  const { prefix, center } = await opened();
  const [states, changes] = [recorded(center, "state"), recorded(center, "change")];
  await Promise.all([center.close(), center.close()]);
  await center[Symbol.asyncDispose]();
  expect(center.state).toBe("closed");
  expect(states).toEqual(["closed"]);
  expect(center.staleSince).toBeInstanceOf(Date);
  expect(center.get("database").host).toBe("a");
  // A second center on the same keys shows when the first would have had the change.
  await using witness = await ConfigCenter.open(shared.etcd, { prefix, layers, documents });
  await store(shared.etcd, prefix, { "global/database": { host: "b" } });
  await vi.waitFor(() => expect(witness.get("database").host).toBe("b"));
  expect(changes).toEqual([]);
});

test("closing waits for a validation under way, whose result is not delivered", async () => {
  const prefix = shared.prefix();
  let finish: (() => void) | undefined;
  const slow = z.object({ n: z.number() }).refine(async ({ n }) => {
    if (n > 0) await new Promise<void>((resolve) => (finish = resolve));
    return true;
  });
  await store(shared.etcd, prefix, { "global/slow": { n: 0 } });
  const center = await ConfigCenter.open(shared.etcd, { prefix, layers, documents: { slow } });
  const changes = recorded(center, "change");
  await store(shared.etcd, prefix, { "global/slow": { n: 1 } });
  await vi.waitFor(() => expect(finish).toBeDefined());
  let closed = false;
  const closing = center.close().then(() => (closed = true));
  await new Promise(setImmediate);
  expect(closed).toBe(false);
  finish?.();
  await closing;
  expect(changes).toEqual([]);
  expect(center.get("slow").n).toBe(0);
});

test("a schema that never answers makes the center stale, and does not keep it from closing", async () => {
  await using etcd = new EtcdClient({ endpoints: shared.server.endpoint, timeoutMs: 500 });
  const prefix = shared.prefix();
  const stuck = z.object({ n: z.number().default(0) }).refine(({ n }) => n === 0 || new Promise(() => {}));
  const center = await ConfigCenter.open(etcd, { prefix, layers, documents: { stuck } });
  const states = recorded(center, "state");
  const before = Date.now();
  await store(etcd, prefix, { "global/stuck": { n: 1 } });
  await vi.waitFor(() => expect(center.state).toBe("stale"), { timeout: 5_000 });
  expect(Number(center.staleSince)).toBeGreaterThanOrEqual(before);
  expect(center.lastError).toMatchObject({
    code: "TIMEOUT",
    message: 'TIMEOUT: the schema of "stuck" has not answered within 500 ms',
  });
  expect(center.get("stuck").n).toBe(0);
  await center.close();
  expect(states).toEqual(["stale", "closed"]);
});

test("closing waits for a write under way, which is done", async () => {
  const prefix = shared.prefix();
  let finish: (() => void) | undefined;
  const slow = z.object({ n: z.number().default(0) }).refine(async ({ n }) => {
    if (n > 0) await new Promise<void>((resolve) => (finish = resolve));
    return true;
  });
  const center = await ConfigCenter.open(shared.etcd, { prefix, layers, documents: { slow } });
  const publishing = center.publish("slow", { n: 1 }, { layer: "global" });
  await vi.waitFor(() => expect(finish).toBeDefined());
  let closed = false;
  const closing = center.close().then(() => (closed = true));
  // Long enough for everything else that closing waits for: a round trip after the watch has ended.
  await vi.waitFor(async () => expect(await watchers()).toBe(0));
  expect(closed).toBe(false);
  finish?.();
  await closing;
  const { revision, live } = await publishing;
  expect(live).toBe(false);
  expect((await shared.etcd.get(`${prefix}/global/slow`))?.modRevision).toBe(revision);
});

test("closing leaves no watch on the server", async () => {
  const { center } = await opened();
  await vi.waitFor(async () => expect(await watchers()).toBe(1));
  await center.close();
  await vi.waitFor(async () => expect(await watchers()).toBe(0));
});

test("closing the client closes the center", async () => {
  await using server = await startEtcd();
  const etcd = new EtcdClient({ endpoints: server.endpoint });
  const center = await ConfigCenter.open(etcd, { layers, documents: { limits: documents.limits } });
  const states = recorded(center, "state");
  await etcd.close();
  await vi.waitFor(() => expect(center.state).toBe("closed"));
  await center.close();
  expect(states).toEqual(["closed"]);
  expect(center.get("limits").rps).toBe(10);
});
