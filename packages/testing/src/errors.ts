import type { EtcdSource } from "./options.ts";

/** One source that was asked for an etcd, and why it had none. */
export interface EtcdAttempt {
  readonly source: EtcdSource;
  readonly reason: string;
}

const REMEDIES: { readonly [S in EtcdSource]: string } = {
  env: "set ETCD_BIN to an etcd binary",
  path: "install etcd",
  cache: "set QUORUMKIT_CACHE to a directory that an earlier run has filled",
  release:
    "let this machine reach https://github.com, or set QUORUMKIT_ETCD_RELEASES to a mirror of etcd's releases",
  debian: "use a Debian or Ubuntu with a reachable package mirror",
  container: "start Docker and add testcontainers to your devDependencies (ETCD_IMAGE names another image)",
};

/** No source could give an etcd. The message lists what was tried, why it failed, and what would help. */
export class EtcdUnavailableError extends Error {
  /** What was tried, in order. */
  readonly attempts: readonly EtcdAttempt[];

  constructor(version: string | undefined, attempts: readonly EtcdAttempt[]) {
    const wanted = version === undefined ? "etcd" : `etcd ${version}`;
    const tried = attempts.map(({ source, reason }) => `  ${source}: ${reason}`).join("\n");
    const remedies = attempts.map(({ source }) => `  - ${REMEDIES[source]}`).join("\n");
    super(
      `No ${wanted} can be had on this machine. Tried, in this order:\n${tried}\nOne of these would help:\n${remedies}`,
    );
    this.name = "EtcdUnavailableError";
    this.attempts = attempts;
  }
}
