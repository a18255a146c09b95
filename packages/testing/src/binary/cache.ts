import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { compareVersions, satisfies } from "../version.ts";
import { probeVersion } from "./probe.ts";
import { notFound, type BinarySource, type FoundBinary } from "./source.ts";

/** The directory that keeps downloads: `QUORUMKIT_CACHE`, or the user's cache directory. */
export function cacheDirectory(): string {
  const named = process.env["QUORUMKIT_CACHE"];
  if (named !== undefined && named !== "") return named;
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches", "quorumkit");
  const xdg = process.env["XDG_CACHE_HOME"];
  return join(xdg !== undefined && xdg !== "" ? xdg : join(homedir(), ".cache"), "quorumkit");
}

/** Cached programs lie in `etcd/<platform>/<version>/`, with `origin.txt` beside them. */
function shelf(): string {
  return join(cacheDirectory(), "etcd", `${process.platform}-${process.arch}`);
}

/** Where the version fetched when none was asked for is noted, so that what was asked for elsewhere does not change it. */
function defaultNote(): string {
  return join(shelf(), "default.txt");
}

/** What an earlier run has fetched. */
export const cacheSource: BinarySource = {
  name: "cache",
  async find({ version: asked, signal }) {
    const kept = await cachedVersions();
    const wanted = asked ?? (await readFile(defaultNote(), "utf8").catch(() => undefined))?.trim();
    const fitting = wanted === undefined ? [] : kept.filter((version) => satisfies(version, wanted));
    for (const version of fitting.toSorted(compareVersions).reverse()) {
      const found = await cached(version, signal);
      if (found !== undefined) return found;
    }
    return notFound(`${shelf()} has ${kept.length === 0 ? "nothing" : `only ${kept.join(", ")}`}`);
  },
};

async function cachedVersions(): Promise<string[]> {
  const entries = await readdir(shelf()).catch(() => []);
  return entries.filter((entry) => /^\d+\.\d+\./.test(entry)).sort(compareVersions);
}

/** The cached etcd of exactly this version, if there is one that runs. */
async function cached(version: string, signal: AbortSignal | undefined): Promise<FoundBinary | undefined> {
  const directory = join(shelf(), version);
  const path = join(directory, "etcd");
  try {
    const origin = (await readFile(join(directory, "origin.txt"), "utf8")).trim();
    return { path, version: await probeVersion(path, signal), origin };
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}

/** A new directory in the cache to prepare something in; on the same file system, so that it can be renamed into place. */
export async function cacheWorkspace(): Promise<string> {
  await mkdir(shelf(), { recursive: true });
  return mkdtemp(join(shelf(), ".new-"));
}

/**
 * Puts a prepared directory holding `etcd` (and, if there is one, `etcdctl`) into its place. Processes that do the same at
 * the same time do not disturb each other: a rename is atomic, and whoever comes second uses what the first has put there.
 */
export async function intoCache(
  prepared: string,
  found: Omit<FoundBinary, "path">,
  isDefault: boolean,
): Promise<string> {
  const place = join(shelf(), found.version);
  await writeFile(join(prepared, "origin.txt"), `${found.origin}\n`);
  if ((await cached(found.version, undefined)) === undefined) {
    // There may be the remains of something that does not run.
    const remains = await stat(place).catch(() => undefined);
    if (remains !== undefined) await rename(place, `${prepared}-old`).catch(() => undefined);
    await rename(prepared, place).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
    await rm(`${prepared}-old`, { recursive: true, force: true });
  }
  if (isDefault) {
    const note = `${prepared}-default`;
    await writeFile(note, `${found.version}\n`);
    await rename(note, defaultNote());
  }
  return join(place, "etcd");
}
