import { EtcdClient, isEtcdError, op } from "@quorumkit/core";
import { findEtcdctl, startEtcd, type EtcdServer } from "@quorumkit/testing";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";

/** For a busy machine. */
const PATIENT = { timeout: 15_000 };

let server: EtcdServer;
let root: EtcdClient;
let app: EtcdClient;
let etcdctl: string;
beforeAll(async () => {
  server = await startEtcd();
  root = new EtcdClient({ endpoints: server.endpoints });
  app = root.namespace("app/");
  etcdctl = await findEtcdctl(server.version);
});
afterAll(async () => {
  await root.close();
  await server.close();
});

it("etcdctl lock with the whole name waits for the namespace's lock, and the other way round", async () => {
  const held = await app.lock("jobs").acquire();
  expect(held.key).toBe(`jobs/${held.leaseId.toString(16)}`);
  const child = spawn(etcdctl, [`--endpoints=${server.endpoint}`, "lock", "app/jobs"], {
    env: { ...process.env, ETCDCTL_API: "3" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let key: string | undefined;
  const acquired = once(createInterface({ input: child.stdout }), "line").then(
    ([line]) => (key = String(line)),
  );
  await expect.poll(async () => (await root.range({ prefix: "app/jobs/" })).count, PATIENT).toBe(2n);
  expect(key).toBeUndefined();
  await held.release();
  expect(await acquired).toMatch(/^app\/jobs\//);

  expect(await app.lock("jobs").tryAcquire()).toBeUndefined();
  let predecessor: string | undefined;
  const waiting = app.lock("jobs").acquire({ onWaiting: (each) => (predecessor = each.key) });
  await expect.poll(() => predecessor && `app/${predecessor}`, PATIENT).toBe(key);
  child.kill("SIGINT");
  const again = await waiting;
  expect(again.fencingToken).toBeGreaterThan(held.fencingToken);
  await again.txn().then(op.put("proof", "1")).commit();
  expect(await root.get("app/proof")).toBeDefined();
  await again.release();
});

it("a lock of the same name is another one in another namespace, and the same one by its whole name", async () => {
  await using one = await app.lock("same").acquire();
  await using two = await root.namespace("other/").lock("same").acquire();
  expect(one.held && two.held).toBe(true);
  expect(await root.lock("app/same").tryAcquire()).toBeUndefined();
});

it("one session can hold it in several namespaces, but not twice under one whole name", async () => {
  await using session = await root.openSession();
  await using one = await root.namespace("s1/").lock("same", { session }).acquire();
  await using two = await root.namespace("s2/").lock("same", { session }).acquire();
  expect(one.key).toBe(two.key);
  for (const lock of [root.lock("s1/same", { session }), root.namespace("s1/").lock("same", { session })]) {
    const refused: unknown = await lock.acquire({ timeoutMs: 5_000 }).catch((error: unknown) => error);
    expect(isEtcdError(refused, "LOCK_HELD")).toBe(true);
  }
});
