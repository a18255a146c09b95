import { access, constants } from "node:fs/promises";
import { dirname, join } from "node:path";
import { findBinary } from "./binary/find.ts";
import { onPath } from "./binary/path.ts";
import { etcdEnvironment, probeVersion } from "./binary/probe.ts";
import { run } from "./binary/run.ts";
import { minorOf, satisfies } from "./version.ts";

/**
 * The path of an `etcdctl` of this version (a line such as "3.5", or one release): the one beside the etcd that
 * {@link startEtcd} would use, else one on PATH, else one fetched into the cache.
 */
export async function findEtcdctl(version?: string, signal?: AbortSignal): Promise<string> {
  const beside = await besideEtcd(version, ["env", "path", "cache"], signal);
  if (beside !== undefined) return beside;
  for (const path of await onPath("etcdctl")) {
    const found = await probeVersion(path, signal).catch(() => undefined);
    if (found !== undefined && satisfies(found, version)) return path;
  }
  const fetched = await besideEtcd(version, ["release", "debian"], signal);
  if (fetched !== undefined) return fetched;
  throw new Error(
    `No etcdctl${version === undefined ? "" : ` ${version}`}: none beside etcd, on PATH, in a release or a Debian package. ` +
      "Put etcdctl beside the etcd of ETCD_BIN, or on PATH.",
  );
}

async function besideEtcd(
  version: string | undefined,
  sources: Parameters<typeof findBinary>[1],
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const result = await findBinary(version, sources, signal).catch(() => undefined);
  signal?.throwIfAborted();
  if (result === undefined || !("found" in result)) return undefined;
  const path = join(dirname(result.found.path), "etcdctl");
  return access(path, constants.X_OK).then(
    () => path,
    () => undefined,
  );
}

/** Runs an etcdctl of this version, or else of its line, against these endpoints. */
export async function runEtcdctl(
  version: string,
  endpoints: readonly string[],
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const path = await findEtcdctl(version, signal).catch(() => findEtcdctl(minorOf(version), signal));
  return run(path, [`--endpoints=${endpoints.join(",")}`, ...args], {
    env: etcdEnvironment({ ETCDCTL_API: "3" }),
    signal,
  });
}
