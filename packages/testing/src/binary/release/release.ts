import { copyFile, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { cacheWorkspace, intoCache } from "../cache.ts";
import { probeVersion } from "../probe.ts";
import { run } from "../run.ts";
import {
  notFound,
  type BinaryRequest,
  type BinarySource,
  type FoundBinary,
  type NotFound,
} from "../source.ts";
import { downloadFile, downloadText, UnreachableError } from "./download.ts";
import { releaseFor } from "./versions.ts";

/** Where etcd publishes; `QUORUMKIT_ETCD_RELEASES` names a mirror with the same layout. */
const RELEASES = "https://github.com/etcd-io/etcd/releases/download";

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: "amd64",
  arm64: "arm64",
  ppc64: "ppc64le",
  s390x: "s390x",
};

/** Servers that could not be reached are not asked again by this process. */
const unreachable = new Map<string, string>();

/** etcd's own release, downloaded into the cache when its checksum is right. */
export const releaseSource: BinarySource = {
  name: "release",
  async find(request) {
    const named = process.env["QUORUMKIT_ETCD_RELEASES"];
    const base = (named === undefined || named === "" ? RELEASES : named).replace(/\/+$/, "");
    const known = unreachable.get(base);
    if (known !== undefined) return notFound(known);
    const release = releaseFor(request.version);
    if (release === undefined)
      return notFound(`no release of the line ${request.version} is known; ask for a full version`);
    const architecture = ARCHITECTURES[process.arch];
    if (architecture === undefined || !["linux", "darwin"].includes(process.platform)) {
      return notFound(`there is no release for ${process.platform} on ${process.arch}`);
    }
    try {
      return await download(base, release, `etcd-v${release}-${process.platform}-${architecture}`, request);
    } catch (error) {
      request.signal?.throwIfAborted();
      if (error instanceof UnreachableError) unreachable.set(base, error.message);
      return notFound((error as Error).message);
    }
  },
};

async function download(
  base: string,
  release: string,
  name: string,
  { version: asked, signal }: BinaryRequest,
): Promise<FoundBinary | NotFound> {
  const archive = `${name}.${process.platform === "darwin" ? "zip" : "tar.gz"}`;
  const sums = await downloadText(`${base}/v${release}/SHA256SUMS`, signal);
  const expected = checksumOf(archive, sums);
  if (expected === undefined) return notFound(`the SHA256SUMS of ${release} do not name ${archive}`);

  const workspace = await cacheWorkspace();
  try {
    const file = join(workspace, archive);
    const actual = await downloadFile(`${base}/v${release}/${archive}`, file, signal);
    if (actual !== expected.toLowerCase()) {
      return notFound(`${archive} was refused: its SHA-256 is ${actual}, and SHA256SUMS says ${expected}`);
    }
    // Both GNU tar and the bsdtar of macOS, which reads zip as well, find out the format by themselves.
    await run("tar", ["-xf", file, "-C", workspace], { signal });
    const prepared = join(workspace, "prepared");
    await mkdir(prepared);
    await rename(join(workspace, name, "etcd"), join(prepared, "etcd"));
    // etcdutl is there from 3.5 on.
    for (const tool of ["etcdctl", "etcdutl"])
      await copyFile(join(workspace, name, tool), join(prepared, tool)).catch(() => {});
    const version = await probeVersion(join(prepared, "etcd"), signal);
    const origin = `etcd's release (${new URL(base).host})`;
    const path = await intoCache(prepared, { version, origin }, asked === undefined);
    return { path, version, origin };
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
}

/** A line of SHA256SUMS is the checksum, blanks (and a star for "binary"), and the file's name. */
function checksumOf(file: string, sums: string): string | undefined {
  const lines = sums.split("\n").map((line) => /^([0-9a-f]{64})\s+\*?(\S+)\s*$/i.exec(line));
  return lines.find((match) => match?.[2] === file)?.[1];
}
