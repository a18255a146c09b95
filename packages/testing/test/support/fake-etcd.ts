import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** A program that answers `--version` as etcd does, and nothing else: enough to see which one a source has chosen. */
export async function writeFakeEtcd(path: string, version: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho "etcd Version: ${version}"\n`);
  await chmod(path, 0o755);
  return path;
}
