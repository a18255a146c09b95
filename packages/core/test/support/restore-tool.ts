import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { type EtcdServer, findEtcdctl } from "@quorumkit/testing";
import { isAtLeast } from "./server-version.ts";

/**
 * Runs what looks into snapshots and restores them, and gives what it printed: up to 3.5 that is etcdctl, later the etcdutl
 * beside it.
 */
export async function runRestoreTool(server: EtcdServer, args: readonly string[]): Promise<string> {
  if (!isAtLeast(server, "3.6")) return server.etcdctl(args);
  const etcdutl = join(dirname(await findEtcdctl(server.version)), "etcdutl");
  await access(etcdutl, constants.X_OK).catch((cause: unknown) => {
    throw new Error(`etcd ${server.version} restores snapshots with etcdutl; put one at ${etcdutl}`, {
      cause,
    });
  });
  return (await promisify(execFile)(etcdutl, [...args])).stdout;
}
