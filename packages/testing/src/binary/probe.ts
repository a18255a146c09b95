import { run } from "./run.ts";

/**
 * The environment for an etcd program: ours without `ETCD_*` and `ETCDCTL_*`, which would configure it behind our back.
 * etcd before 3.5 refuses to run on arm64 unless it is told to.
 */
export function etcdEnvironment(overrides: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^ETCD(CTL)?_/.test(name));
  return {
    ...Object.fromEntries(inherited),
    ...(process.arch === "arm64" ? { ETCD_UNSUPPORTED_ARCH: "arm64" } : {}),
    ...overrides,
  };
}

/** Runs `etcd --version` (or `etcdctl version`) and gives the version; rejects when it does not run on this machine. */
export async function probeVersion(path: string, signal?: AbortSignal): Promise<string> {
  const isClient = path.endsWith("etcdctl");
  const output = await run(path, [isClient ? "version" : "--version"], {
    env: etcdEnvironment(isClient ? { ETCDCTL_API: "3" } : {}),
    signal,
  });
  const version = /^etcd(?:ctl)? Version: (\S+)/im.exec(output)?.[1];
  if (version === undefined)
    throw new Error(`${path} does not answer with a version: ${output.slice(0, 100)}`);
  return version;
}
