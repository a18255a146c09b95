import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, expect, test, vi } from "vitest";
import { startEtcd, startEtcdCluster, type StartEtcdOptions } from "../src/index.ts";
import { startInChild } from "./support/child.ts";
import { answers, get, put } from "./support/kv.ts";

// Run by `pnpm test:container`, which needs a container engine; `pnpm test` does not.
const container: StartEtcdOptions = { source: ["container"] };

let open: AsyncDisposable[] = [];
afterEach(async () => {
  await Promise.all(open.map((one) => one[Symbol.asyncDispose]()));
  open = [];
});

test("an etcd in a container is killed, paused and restarted like a process, at one endpoint with its data", async () => {
  const etcd = await startEtcd(container);
  open.push(etcd);
  const { endpoint } = etcd;
  expect(etcd.version).toMatch(/^\d+\.\d+\.\d+/);
  expect(etcd.state).toBe("running");
  expect(etcd.pid).toBeGreaterThan(0);
  await expect.poll(() => etcd.logs()).toContain("ready to serve client requests");
  await put(endpoint, "kept", "in the container");

  await etcd.kill();
  expect(etcd.state).toBe("stopped");
  expect(await answers(endpoint)).toBe(false);
  await etcd.restart();
  expect(etcd.endpoint).toBe(endpoint);
  expect(await get(endpoint, "kept")).toBe("in the container");

  await etcd.pause();
  expect(etcd.state).toBe("paused");
  expect(await answers(endpoint)).toBe(false);
  await etcd.resume();
  await expect.poll(() => answers(endpoint)).toBe(true);

  await etcd.pause();
  await etcd.restart();
  expect(await get(endpoint, "kept")).toBe("in the container");

  await etcd.stop();
  await etcd.close();
  await etcd.close();
  expect(etcd.state).toBe("closed");
});

test("a paused etcd in a container is closed as well", async () => {
  const etcd = await startEtcd(container);
  open.push(etcd);
  await etcd.pause();
  await etcd.close();
  expect(await answers(etcd.endpoint)).toBe(false);
});

test("nothing is left in the engine when the process that started it is killed", async () => {
  const before = await engineHas();
  const started = await startInChild("running", "wait", "container");
  expect(await engineHas()).not.toEqual(before);
  started.child.kill("SIGKILL");
  await expect.poll(engineHas, { timeout: 20_000 }).toEqual(before);
});

/** The containers and networks of the engine, running or not. */
async function engineHas(): Promise<string[]> {
  const commands = [
    ["ps", "-aq"],
    ["network", "ls", "-q"],
  ];
  const outputs = await Promise.all(commands.map((args) => promisify(execFile)("docker", args)));
  return outputs.flatMap(({ stdout }) => stdout.trim().split("\n")).toSorted();
}

test("a cluster in containers survives its leader", async () => {
  const cluster = await startEtcdCluster(3, container);
  open.push(cluster);
  const first = await cluster.leader();
  await first.kill();
  const second = await cluster.leader();
  expect(second).not.toBe(first);
  await put(second.endpoint, "written", "without it");
  await first.restart();
  expect(await get(first.endpoint, "written")).toBe("without it");
});

test("flags and environment reach the etcd in the container", async () => {
  const etcd = await startEtcd({
    ...container,
    args: ["--max-txn-ops=7"],
    env: { ETCD_QUOTA_BACKEND_BYTES: "33554432" },
  });
  open.push(etcd);
  await expect.poll(() => etcd.logs()).toContain("33554432");
  await expect.poll(() => etcd.logs()).toMatch(/"max-txn-ops":7|--max-txn-ops=7/);
});

test("an etcd that cannot start in its container is an error that shows the end of its log", async () => {
  const starting = startEtcd({ ...container, args: ["--no-such-flag"] });
  await expect(starting).rejects.toThrow(/ended before it was ready[^]*no-such-flag/);
});

test("an image that is not there, or has another version, is refused with the reason", async () => {
  await expect(startEtcd({ ...container, version: "3.99.4" })).rejects.toThrow(/has etcd \d+\.\d+/);
  vi.stubEnv("ETCD_IMAGE", "quorumkit.invalid/no-such-image:1");
  await expect(startEtcd(container)).rejects.toMatchObject({ attempts: [{ source: "container" }] });
});
