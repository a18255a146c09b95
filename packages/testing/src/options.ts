import { checkEach, isBoolean, type OptionCheck } from "./check-options.ts";
import { isVersion } from "./version.ts";

/** Where an etcd can come from, in the order in which the places are asked. */
export const ETCD_SOURCES: readonly ["env", "path", "cache", "release", "debian", "container"] = [
  "env",
  "path",
  "cache",
  "release",
  "debian",
  "container",
];

/** One place an etcd can come from. */
export type EtcdSource = (typeof ETCD_SOURCES)[number];

/** What {@link startEtcd} and {@link startEtcdCluster} take. */
export interface StartEtcdOptions {
  /** A release line ("3.5") or one release ("3.5.16"). Default: whatever the first source that has an etcd gives. */
  readonly version?: string;
  /** Ask only these sources. Their order stays env, path, cache, release, debian, container. Default: all of them. */
  readonly source?: readonly EtcdSource[];
  /** Further etcd flags, given after ours, such as `["--auth-token-ttl=5"]`. */
  readonly args?: readonly string[];
  /**
   * URLs on which etcd listens for clients beside its endpoint, such as `["unix:///tmp/etcd.sock"]`, or `https://` with the
   * certificate in `args`. Its own endpoint stays plain HTTP, since health is asked there. For a single etcd.
   */
  readonly clientUrls?: readonly string[];
  /** Environment for etcd, over this process's own. Inherited `ETCD_*` variables are not passed on. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Let etcd wait for the disk at every write. Default `false`: tests are faster, and what was written still outlives
   * `kill()`, since the kernel has it; only a crash of the machine would lose it. No effect on etcd 3.4, which always waits.
   */
  readonly fsync?: boolean;
  /** Do not say on stderr which etcd is used. Default `false`. */
  readonly quiet?: boolean;
  /** Gives the start up: what was started is ended again, and the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Milliseconds from the start of the process until its health endpoint must have answered. Default 30 000. */
  readonly startTimeoutMs?: number;
}

const isStringArray: OptionCheck = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === "string") ? undefined : "an array of strings";

const CHECKS: { readonly [K in keyof Required<StartEtcdOptions>]: OptionCheck } = {
  version: (value) =>
    typeof value === "string" && isVersion(value)
      ? undefined
      : 'a version from 3.4 on, such as "3.5" or "3.5.16"',
  source: (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((item) => ETCD_SOURCES.includes(item as EtcdSource))
      ? undefined
      : `a non-empty array of ${ETCD_SOURCES.map((name) => `"${name}"`).join(", ")}`,
  args: isStringArray,
  clientUrls: isStringArray,
  env: (value) =>
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((item) => typeof item === "string")
      ? undefined
      : "an object of strings",
  fsync: isBoolean,
  quiet: isBoolean,
  signal: (value) => (value instanceof AbortSignal ? undefined : "an AbortSignal"),
  startTimeoutMs: (value) =>
    typeof value === "number" && Number.isFinite(value) && value > 0 ? undefined : "a number above 0",
};

/** @throws TypeError naming the first option that is unknown or wrong, what it must be, and what it was. */
export function checkOptions(options: StartEtcdOptions): void {
  checkEach(options, CHECKS);
}
