import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cacheDirectory } from "./cache.ts";

const POLL_MS = 100;
const WRITE_MS = 5_000;
const OLDEST_MS = 600_000;

/**
 * Runs `fetch` while no other process of this user fetches into the cache, so that test files that start at once on a
 * fresh machine download one etcd, not one each. Nothing but that depends on it: what goes into the cache goes in whole.
 */
export async function withFetchLock<T>(signal: AbortSignal | undefined, fetch: () => Promise<T>): Promise<T> {
  const lock = join(cacheDirectory(), "fetching.pid");
  let held = await take(lock);
  while (held === "by another") {
    if (!(await isHeld(lock))) await rm(lock, { force: true });
    await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal });
    held = await take(lock);
  }
  try {
    return await fetch();
  } finally {
    if (held === "by us") await rm(lock, { force: true });
  }
}

/** `not at all`: the cache cannot be written to, which whoever fetches will find out and say. */
async function take(lock: string): Promise<"by us" | "by another" | "not at all"> {
  try {
    await mkdir(dirname(lock), { recursive: true });
    await writeFile(lock, String(process.pid), { flag: "wx" });
    return "by us";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EEXIST" ? "by another" : "not at all";
  }
}

async function isHeld(lock: string): Promise<boolean> {
  const [text, stats] = await Promise.all([
    readFile(lock, "utf8").catch(() => ""),
    stat(lock).catch(() => undefined),
  ]);
  if (stats === undefined) return false;
  const ageMs = Date.now() - stats.mtimeMs;
  // It may be just being written; and an id may have become that of a process that knows nothing of it.
  if (text === "" || ageMs > OLDEST_MS) return ageMs < WRITE_MS;
  try {
    process.kill(Number(text), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
