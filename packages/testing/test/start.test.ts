import { existsSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { startEtcd } from "../src/index.ts";
import { answers, get, put } from "./support/kv.ts";
import { isAlive } from "./support/processes.ts";

test("an etcd is ready when startEtcd resolves, and gone with its data when it is closed", async () => {
  const etcd = await startEtcd();
  const { pid, dataDir } = etcd;
  expect(etcd.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(etcd.endpoints).toEqual([etcd.endpoint]);
  expect(etcd.version).toMatch(/^\d+\.\d+\.\d+/);
  expect(etcd.state).toBe("running");
  await put(etcd.endpoint, "greeting", "hello");
  expect(await get(etcd.endpoint, "greeting")).toBe("hello");
  expect(etcd.logs()).toContain(dataDir);
  expect(pid !== undefined && isAlive(pid)).toBe(true);
  expect(existsSync(dataDir)).toBe(true);

  await Promise.all([etcd.close(), etcd.close()]);
  await etcd.close();
  expect(etcd.state).toBe("closed");
  expect(pid !== undefined && isAlive(pid)).toBe(false);
  expect(existsSync(dataDir)).toBe(false);
  expect(etcd.logs()).toContain(dataDir);
  await expect(etcd.restart()).rejects.toThrow("it is closed");
});

test("etcds started at once get different ports and different data", async () => {
  const etcds = await Promise.all([startEtcd(), startEtcd(), startEtcd()]);
  try {
    expect(new Set(etcds.map(({ endpoint }) => endpoint)).size).toBe(3);
    await Promise.all(etcds.map(({ endpoint }) => put(endpoint, "who", endpoint)));
    for (const { endpoint } of etcds) expect(await get(endpoint, "who")).toBe(endpoint);
  } finally {
    await Promise.all(etcds.map((etcd) => etcd.close()));
  }
});

test("etcd gets further flags and an environment of its own, without our ETCD_ variables", async () => {
  vi.stubEnv("ETCD_LOG_LEVEL", "no such level");
  await using etcd = await startEtcd({
    args: ["--max-txn-ops=7"],
    env: { ETCD_QUOTA_BACKEND_BYTES: "33554432" },
  });
  expect(etcd.logs()).toContain('"max-request-bytes"');
  const body = JSON.stringify({
    success: Array.from({ length: 8 }, (_, i) => ({ requestPut: { key: btoa(`k${i}`), value: "" } })),
  });
  const response = await fetch(`${etcd.endpoint}/v3/kv/txn`, { method: "POST", body });
  expect(await response.text()).toContain("too many operations");
  expect(etcd.logs()).toMatch(/"quota-(size-bytes|backend-bytes)":33554432/);
});

test("an etcd that cannot start is an error that shows the end of its log", async () => {
  await expect(startEtcd({ args: ["--no-such-flag"] })).rejects.toThrow(
    /ended before it was ready[^]*no-such-flag/,
  );
});

test("an etcd that does not get ready in time is an error, and is not left behind", async () => {
  // A member of a cluster whose other member does not exist never becomes healthy.
  const lonely = [
    "--initial-cluster=etcd0=http://127.0.0.1:1,other=http://127.0.0.1:2",
    "--initial-advertise-peer-urls=http://127.0.0.1:1",
  ];
  await expect(startEtcd({ args: lonely, startTimeoutMs: 300 })).rejects.toThrow(
    /was not ready at .* after 300 ms/,
  );
});

test("a start that is given up ends what it has started", async () => {
  const controller = new AbortController();
  const reason = new Error("changed my mind");
  const starting = startEtcd({ signal: controller.signal });
  controller.abort(reason);
  await expect(starting).rejects.toBe(reason);
  await expect(startEtcd({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

test("which etcd is used is said once per process, unless it is to be quiet", async () => {
  vi.resetModules();
  const { startEtcd: startFresh } = await import("../src/index.ts");
  const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const lines = (): unknown[] =>
    stderr.mock.calls.map(([line]) => line).filter((line) => /^etcd \d/.test(String(line)));
  await using quiet = await startFresh({ quiet: true });
  expect(lines()).toEqual([]);
  await using first = await startFresh();
  await using second = await startFresh();
  expect(lines()).toHaveLength(1);
  expect(lines()[0]).toContain(`etcd ${first.version} from `);
  expect(await answers(quiet.endpoint)).toBe(true);
  expect(await answers(second.endpoint)).toBe(true);
});
