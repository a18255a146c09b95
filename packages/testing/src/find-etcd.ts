import { findBinary } from "./binary/find.ts";
import { EtcdUnavailableError } from "./errors.ts";
import { show } from "./check-options.ts";
import { isVersion } from "./version.ts";

/**
 * The path of an `etcd` of this version (a line such as "3.5", or one release): the one that {@link startEtcd} would run as
 * a process, fetched into the cache where that is needed. For running tests with another one, by `ETCD_BIN`.
 * @throws TypeError for what is no version from 3.4 on; EtcdUnavailableError when no source has it.
 */
export async function findEtcd(version?: string, signal?: AbortSignal): Promise<string> {
  if (version !== undefined && !isVersion(version)) {
    throw new TypeError(
      `Expected version to be a version from 3.4 on, such as "3.5" or "3.5.16", got ${show(version)}`,
    );
  }
  const result = await findBinary(version, undefined, signal);
  if ("found" in result) return result.found.path;
  throw new EtcdUnavailableError(version, result.attempts);
}
