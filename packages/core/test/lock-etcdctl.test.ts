import { EtcdClient } from "@quorumkit/core";
import { findEtcdctl, startEtcd, type EtcdServer } from "@quorumkit/testing";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";

/** For a busy machine. */
const PATIENT = { timeout: 15_000 };

let server: EtcdServer;
let etcd: EtcdClient;
let etcdctlPath: string;
beforeAll(async () => {
  server = await startEtcd();
  etcd = new EtcdClient({ endpoints: server.endpoints });
  etcdctlPath = await findEtcdctl(server.version);
});
afterAll(async () => {
  await etcd.close();
  await server.close();
});

interface EtcdctlLock {
  readonly process: ChildProcess;
  /** Its key, when it holds the lock. */
  readonly acquired: Promise<string>;
}

/** `etcdctl lock <name>`: prints its key when it has the lock, and holds it until it is interrupted. */
function etcdctlLock(name: string): EtcdctlLock {
  const child = spawn(etcdctlPath, [`--endpoints=${server.endpoint}`, "lock", name], {
    env: { ...process.env, ETCDCTL_API: "3" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const acquired = once(createInterface({ input: child.stdout }), "line").then(([line]) => String(line));
  return { process: child, acquired };
}

async function untilQueued(name: string, count: number): Promise<void> {
  await expect.poll(async () => (await etcd.range({ prefix: `${name}/` })).kvs.length, PATIENT).toBe(count);
}

it("etcdctl waits for our lock, and we wait for etcdctl's, in the order of arrival", async () => {
  const name = "shared/jobs";
  const first = await etcd.lock(name).acquire();
  const second = etcdctlLock(name);
  let secondHasIt = false;
  void second.acquired.then(() => (secondHasIt = true));
  await untilQueued(name, 2);

  let blockedBy: string | undefined;
  const third = etcd.lock(name).acquire({ onWaiting: ({ key }) => (blockedBy = key) });
  await untilQueued(name, 3);
  const fourth = etcdctlLock(name);
  await untilQueued(name, 4);
  expect(await etcd.lock(name).tryAcquire()).toBeUndefined();
  expect(secondHasIt).toBe(false);

  await first.release();
  const secondKey = await second.acquired;
  expect(secondKey.startsWith(`${name}/`)).toBe(true);
  await expect.poll(() => blockedBy, PATIENT).toBe(secondKey);
  const secondToken = (await etcd.get(secondKey))?.createRevision ?? 0n;

  second.process.kill("SIGINT");
  const held = await third;
  expect(held.fencingToken).toBeGreaterThan(secondToken);
  expect(secondToken).toBeGreaterThan(first.fencingToken);
  await held.release();
  const fourthKey = await fourth.acquired;
  expect(fourthKey).not.toBe(held.key);
  fourth.process.kill("SIGINT");
  await untilQueued(name, 0);
});

it("takes over from an etcdctl that crashed, when its lease has expired", async () => {
  const name = "shared/crash";
  const child = spawn(etcdctlPath, [`--endpoints=${server.endpoint}`, "lock", "--ttl=1", name], {
    env: { ...process.env, ETCDCTL_API: "3" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const waiting = etcd.lock(name).acquire();
  await untilQueued(name, 2);
  child.kill("SIGKILL");
  await using held = await waiting;
  expect(held.key).not.toBe(String(line));
});
