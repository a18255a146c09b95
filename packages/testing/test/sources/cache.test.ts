import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { cacheDirectory, cacheSource, cacheWorkspace, intoCache } from "../../src/binary/cache.ts";
import { withFetchLock } from "../../src/binary/fetch-lock.ts";
import { writeFakeEtcd } from "../support/fake-etcd.ts";
import { temporaryDirectory } from "../support/temporary.ts";

let directory = "";
beforeEach(async () => {
  directory = await temporaryDirectory();
  vi.stubEnv("QUORUMKIT_CACHE", directory);
});

async function keep(version: string, isDefault = false): Promise<string> {
  const prepared = join(await cacheWorkspace(), "prepared");
  await writeFakeEtcd(join(prepared, "etcd"), version);
  return intoCache(prepared, { version, origin: `a test (${version})` }, isDefault);
}

function find(version?: string): ReturnType<typeof cacheSource.find> {
  return cacheSource.find({ version, signal: undefined });
}

test("what is kept is found by line and by version, the newest of a line first", async () => {
  await keep("3.5.9");
  const path = await keep("3.5.16");
  await keep("3.4.23");
  expect(await find("3.5")).toEqual({ path, version: "3.5.16", origin: "a test (3.5.16)" });
  expect(await find("3.5.9")).toHaveProperty("version", "3.5.9");
  expect(await find("3.6")).toHaveProperty(
    "reason",
    expect.stringMatching(/has only 3.4.23, 3.5.9, 3.5.16$/),
  );
});

test("without a version, only what was fetched without one counts", async () => {
  await keep("3.4.23");
  expect(await find()).toHaveProperty("reason");
  await keep("3.5.16", true);
  await keep("3.6.1");
  expect(await find()).toHaveProperty("version", "3.5.16");
});

test("many at once put the same version there, and all find it whole", async () => {
  const paths = await Promise.all(Array.from({ length: 12 }, () => keep("3.5.16", true)));
  expect(new Set(paths).size).toBe(1);
  expect(await find()).toHaveProperty("path", paths[0]);
});

test("something that does not run is passed over, and replaced", async () => {
  const path = await keep("3.5.16");
  await writeFile(path, "not a program");
  expect(await find("3.5")).toHaveProperty("reason");
  await keep("3.5.16");
  expect(await find("3.5")).toHaveProperty("version", "3.5.16");
  await rm(path);
  await mkdir(path);
  expect(await find("3.5")).toHaveProperty("reason");
});

test("the directory is QUORUMKIT_CACHE, else the user's cache directory", async () => {
  expect(cacheDirectory()).toBe(directory);
  expect(await readdir(directory)).toEqual([]);
  vi.stubEnv("QUORUMKIT_CACHE", undefined);
  vi.stubEnv("XDG_CACHE_HOME", "/somewhere");
  expect(cacheDirectory()).toMatch(
    process.platform === "darwin" ? /Library\/Caches\/quorumkit$/ : /^\/somewhere\/quorumkit$/,
  );
});

test("what one fetches the others wait for; the lock of a process that died is taken over", async () => {
  let running = 0;
  let most = 0;
  const fetch = async (): Promise<void> => {
    most = Math.max(most, ++running);
    await new Promise(setImmediate);
    running--;
  };
  // No process has this id: it is above every system's limit.
  await writeFile(join(directory, "fetching.pid"), "999999999");
  await Promise.all([
    withFetchLock(undefined, fetch),
    withFetchLock(undefined, fetch),
    withFetchLock(undefined, fetch),
  ]);
  expect(most).toBe(1);
  await expect(withFetchLock(undefined, () => Promise.reject(new Error("offline")))).rejects.toThrow(
    "offline",
  );
  await withFetchLock(undefined, fetch);

  await writeFile(join(directory, "fetching.pid"), String(process.pid));
  const reason = new Error("enough");
  await expect(withFetchLock(AbortSignal.abort(reason), fetch)).rejects.toThrow("aborted");
});
