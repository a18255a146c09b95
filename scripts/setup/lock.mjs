import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

// Longer than any install and build takes: the lock of a process whose id has since been given to another.
const staleAfterMs = 15 * 60_000;

/** Runs `task` while no other process does the same under this lock file; calls `onWait` once if it has to wait. */
export async function exclusively(file, task, onWait) {
  mkdirSync(dirname(file), { recursive: true });
  // The usual holder only looks whether anything is to be done: not worth a word.
  for (let tries = 1; !tryTake(file); tries += 1) {
    if (tries === 10) onWait();
    await sleep(200);
  }
  const release = () => rmSync(file, { force: true });
  process.once("exit", release);
  try {
    return await task();
  } finally {
    process.off("exit", release);
    release();
  }
}

function tryTake(file) {
  // A link appears with its content or not at all, so nobody ever reads a lock without an owner.
  const own = `${file}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    if (!isStale(file)) return false;
    rmSync(file, { force: true });
    return tryTake(file);
  } finally {
    rmSync(own, { force: true });
  }
}

function isStale(file) {
  try {
    if (Date.now() - statSync(file).mtimeMs > staleAfterMs) return true;
    process.kill(Number(readFileSync(file, "utf8")), 0);
    return false;
  } catch (error) {
    // EPERM: it lives, under another user. ENOENT: released just now.
    return error.code === "ESRCH";
  }
}
