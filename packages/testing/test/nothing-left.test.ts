import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startInChild, type StartedChild, type Then } from "./support/child.ts";
import { isAlive } from "./support/processes.ts";

async function expectNothingLeft({ pid, dataDir }: StartedChild): Promise<void> {
  await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
  await expect.poll(() => existsSync(join(dataDir, "..")), { timeout: 10_000 }).toBe(false);
}

test.each(["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"] as const)("nothing is left after %s", async (signal) => {
  const started = await startInChild("running", "wait");
  expect(isAlive(started.pid)).toBe(true);
  expect(existsSync(started.dataDir)).toBe(true);
  started.child.kill(signal);
  await expectNothingLeft(started);
});

test("nothing is left when the whole process group is killed, as a terminal or a CI runner does", async () => {
  const started = await startInChild("running", "wait");
  process.kill(-(started.child.pid ?? 0), "SIGKILL");
  await expectNothingLeft(started);
});

test("nothing is left of a paused etcd", async () => {
  const started = await startInChild("paused", "wait");
  started.child.kill("SIGKILL");
  await expectNothingLeft(started);
});

test.each<[string, Then, number]>([
  ["ends by itself", "return", 0],
  ["calls process.exit", "exit", 3],
  ["throws", "throw", 1],
])(
  "an etcd that was not closed does not keep a program that %s, and goes with it",
  async (_what, then, code) => {
    const started = await startInChild("running", then);
    if (started.child.exitCode === null) await once(started.child, "exit");
    expect(started.child.exitCode).toBe(code);
    await expectNothingLeft(started);
  },
);
