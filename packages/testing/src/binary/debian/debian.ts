import { access, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { satisfies } from "../../version.ts";
import { cacheWorkspace, intoCache } from "../cache.ts";
import { probeVersion } from "../probe.ts";
import {
  notFound,
  type BinaryRequest,
  type BinarySource,
  type FoundBinary,
  type NotFound,
  isFound,
} from "../source.ts";
import { PrivateApt } from "./apt.ts";
import { systemMirrors, type Mirror } from "./mirrors.ts";
import { suiteNames } from "./suites.ts";

/**
 * The distribution's package `etcd-server`, unpacked into the cache: from the newest suite the mirror has whose etcd runs
 * on this machine (one built for a newer C library might not) and has the version asked for.
 */
export const debianSource: BinarySource = {
  name: "debian",
  async find(request) {
    const names = process.platform === "linux" ? await suiteNames() : undefined;
    if (names === undefined) return notFound("this is not a system of the Debian family");
    const mirrors = (await systemMirrors()).filter(
      ({ suites, components }) =>
        suites.some((suite) => names.own.includes(suite)) &&
        components.some((name) => names.components.includes(name)),
    );
    if (mirrors.length === 0)
      return notFound("the apt sources of this system name no mirror of its distribution");
    const reasons: string[] = [];
    const tried = new Set<string>();
    for (const mirror of mirrors) {
      if (tried.has(mirror.uri)) continue;
      tried.add(mirror.uri);
      for (const suite of names.newestFirst) {
        const result = await fromSuite(mirror, suite, names.components, request);
        if (isFound(result)) return result;
        reasons.push(`${suite}: ${result.reason}`);
        if (UNREACHABLE.test(result.reason)) break;
      }
    }
    return notFound(reasons.join("; "));
  },
};

/** apt's words for a mirror that cannot be reached at all, where other suites need not be tried. */
const UNREACHABLE = /Could not (connect|resolve)|Temporary failure|timed out|there is no program/i;

async function fromSuite(
  mirror: Mirror,
  suite: string,
  components: readonly string[],
  { version: asked, signal }: BinaryRequest,
): Promise<FoundBinary | NotFound> {
  let workspace: string | undefined;
  try {
    workspace = await cacheWorkspace();
    const apt = new PrivateApt(workspace, signal);
    await apt.update(mirror, suite, components);
    const offered = await apt.candidate("etcd-server");
    if (offered === undefined) return notFound("it has no etcd-server");
    if (!satisfies(upstream(offered), asked)) return notFound(`it has etcd ${upstream(offered)}`);

    const prepared = join(workspace, "prepared");
    await mkdir(prepared);
    await unpackProgram(apt, "etcd-server", "etcd", workspace, prepared);
    const version = await probeVersion(join(prepared, "etcd"), signal);
    if (!satisfies(version, asked)) return notFound(`it has etcd ${version}`);
    // The client is a help for those who want it, not a condition.
    await unpackProgram(apt, "etcd-client", "etcdctl", workspace, prepared).catch(() =>
      signal?.throwIfAborted(),
    );

    const origin = `the Debian package (${(await apt.codename()) ?? suite})`;
    const path = await intoCache(prepared, { version, origin }, asked === undefined);
    return { path, version, origin };
  } catch (error) {
    signal?.throwIfAborted();
    return notFound((error as Error).message);
  } finally {
    if (workspace !== undefined) await rm(workspace, { recursive: true, force: true });
  }
}

async function unpackProgram(
  apt: PrivateApt,
  packageName: string,
  program: string,
  workspace: string,
  target: string,
): Promise<void> {
  const unpacked = join(workspace, `unpacked-${program}`);
  await apt.unpack(packageName, unpacked);
  const path = join(unpacked, "usr", "bin", program);
  await access(path);
  await rename(path, join(target, program));
}

/** "3.5.16+dfsg-4" gives "3.5.16". */
function upstream(packageVersion: string): string {
  return /(?:\d+:)?(\d+\.\d+\.\d+)/.exec(packageVersion)?.[1] ?? packageVersion;
}
