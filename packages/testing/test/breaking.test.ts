import { createServer } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEtcd, type EtcdServer } from "../src/index.ts";
import { answers, get, put } from "./support/kv.ts";
import { isAlive } from "./support/processes.ts";

let etcd: EtcdServer;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd.close());

test("kill ends the process; restart brings it back at the same endpoint with its data", async () => {
  const { pid, endpoint } = etcd;
  await put(endpoint, "kept", "over a kill");
  await etcd.kill();
  expect(etcd.state).toBe("stopped");
  expect(etcd.pid).toBeUndefined();
  expect(isAlive(pid ?? 0)).toBe(false);
  expect(await answers(endpoint)).toBe(false);
  await expect(etcd.pause()).rejects.toThrow("it is stopped");
  await etcd.kill();

  await etcd.restart();
  expect(etcd.state).toBe("running");
  expect(etcd.endpoint).toBe(endpoint);
  expect(etcd.pid).not.toBe(pid);
  expect(await get(endpoint, "kept")).toBe("over a kill");
});

test("restart of a running etcd, and stop, end it in order first", async () => {
  const { pid } = etcd;
  await put(etcd.endpoint, "kept", "over a restart");
  await etcd.restart();
  expect(etcd.pid).not.toBe(pid);
  expect(await get(etcd.endpoint, "kept")).toBe("over a restart");
  await etcd.stop();
  expect(etcd.state).toBe("stopped");
  expect(etcd.logs()).toContain("closed etcd server");
  await etcd.restart();
});

test("a paused etcd holds its connections and does not answer until it is resumed", async () => {
  await etcd.pause();
  expect(etcd.state).toBe("paused");
  expect(isAlive(etcd.pid ?? 0)).toBe(true);
  expect(await answers(etcd.endpoint)).toBe(false);
  await etcd.resume();
  expect(etcd.state).toBe("running");
  await expect.poll(() => answers(etcd.endpoint)).toBe(true);
});

test("a paused etcd can be killed, stopped and restarted", async () => {
  await etcd.pause();
  await etcd.kill();
  expect(etcd.state).toBe("stopped");
  await etcd.restart();
  await etcd.pause();
  await etcd.restart();
  expect(etcd.state).toBe("running");
  expect(await answers(etcd.endpoint)).toBe(true);
});

test("an etcd that ends by itself shows as stopped", async () => {
  process.kill(etcd.pid ?? 0, "SIGKILL");
  await expect.poll(() => etcd.state).toBe("stopped");
  await etcd.restart();
});

test("restart waits for its port while somebody else has it", async () => {
  await etcd.kill();
  const squatter = createServer().listen(Number(new URL(etcd.endpoint).port), "127.0.0.1");
  await once(squatter, "listening");
  const restarting = etcd.restart();
  await expect.poll(() => etcd.logs()).toContain("address already in use");
  squatter.close();
  await restarting;
  expect(await answers(etcd.endpoint)).toBe(true);
});
