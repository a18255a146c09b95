import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { findEtcd } from "../../packages/testing/dist/index.js";
import { root } from "../setup/prepare.mjs";
import { buildEtcd, builtEtcd } from "./go-build.mjs";

const cache = join(root, ".cache/etcd");

/** An etcd of this line (or one release): found or fetched as tests do it, else built with Go. */
export async function locate(version) {
  const path = builtEtcd(version, cache) ?? (await findEtcd(version).catch((error) => build(version, error)));
  const said = execFileSync(path, ["--version"], { encoding: "utf8" });
  return { path, release: /etcd Version: (\S+)/.exec(said)?.[1] ?? version };
}

function build(version, unavailable) {
  try {
    return buildEtcd(version, cache);
  } catch (error) {
    throw new Error(`${unavailable.message}\nNor could it be built: ${error.message}`, { cause: error });
  }
}
