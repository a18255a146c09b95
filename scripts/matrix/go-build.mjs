import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The releases that are built where nobody has the line ready-made. */
const RELEASES = { 3.6: "3.6.16", 3.7: "3.7.3" };

const releaseOf = (version) => RELEASES[version] ?? (/^3\.[67]\.\d+$/.test(version) ? version : undefined);

// By a variable: it is no package's, and no package.json can list it for knip.
const GO = "go";

const MODULE = "module quorumkit.test/etcd\n";

const MAIN = `package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
`;

/** The etcd of this line, or one release, that an earlier run has built, if there is one. */
export function builtEtcd(version, cache) {
  const path = join(cache, releaseOf(version) ?? "none", "etcd");
  return existsSync(path) ? path : undefined;
}

/**
 * Builds etcd of this line, or one release, with etcdctl and etcdutl beside it, from what Go's module proxy has, and
 * gives its path. Throws with the reason where that cannot be done.
 */
export function buildEtcd(version, cache) {
  const release = releaseOf(version);
  if (release === undefined) throw new Error(`only ${Object.keys(RELEASES).join(" and ")} are built with Go`);
  const go = spawnSync(GO, ["version"], { encoding: "utf8" });
  if (go.status !== 0) throw new Error("there is no Go on PATH");
  console.error(`matrix: building etcd ${release} with ${go.stdout.trim()}`);

  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, ".new-"));
  try {
    writeFileSync(join(work, "go.mod"), MODULE);
    writeFileSync(join(work, "main.go"), MAIN);
    const tools = ["etcdctl", "etcdutl"].map((name) => `go.etcd.io/etcd/${name}/v3`);
    const modules = ["go.etcd.io/etcd/server/v3", ...tools];
    run(work, ["get", ...modules.map((name) => `${name}@v${release}`)]);
    run(work, ["build", "-o", "built/etcd", "."]);
    run(work, ["build", "-o", "built/", ...tools]);
    // Another run may have been faster.
    if (builtEtcd(version, cache) === undefined) renameSync(join(work, "built"), join(cache, release));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return builtEtcd(version, cache);
}

function run(cwd, args) {
  try {
    execFileSync(GO, args, { cwd, encoding: "utf8", stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    const said = String(error.stderr).trim().split("\n").slice(-5).join("\n");
    throw new Error(`go ${args[0]} failed:\n${said}`, { cause: error });
  }
}
