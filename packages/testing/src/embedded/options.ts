import { isIP } from "node:net";
import { checkEach, isBoolean, type OptionCheck, show } from "../check-options.ts";

/** What {@link EmbeddedEtcd.start} takes. */
export interface EmbeddedEtcdOptions {
  /** Members of the cluster, all in this process and over one store. Default 1. */
  readonly members?: number;
  /** Address to listen on. Default "127.0.0.1". One that is not loopback needs `allowRemote`. */
  readonly host?: string;
  /** Port of the first member; the others take those after it. Default 0: the kernel chooses all of them. */
  readonly port?: number;
  /**
   * Listen on a `host` that other machines can reach. Default `false`: nothing here is made to be secure.
   * No effect on a loopback address.
   */
  readonly allowRemote?: boolean;
  /** The etcd release it says it is, and whose rules it follows where releases differ. Default "3.5.30". */
  readonly version?: string;
  /** Shortest TTL that a lease can have, in seconds. Default 2, as with etcd's default election timeout. */
  readonly minTtlSeconds?: number;
  /** Most operations in one transaction. Default 128, as etcd's `--max-txn-ops`. */
  readonly maxTxnOps?: number;
  /** Largest write in bytes. Default 1 572 864 (1.5 MiB), as etcd's `--max-request-bytes`. */
  readonly maxRequestBytes?: number;
  /** Seconds for which a token that is not used stays good. Default 300, as etcd's `--auth-token-ttl`. */
  readonly tokenTtlSeconds?: number;
  /** Milliseconds of the virtual clock between progress notifications of a watch that asked for them. Default 600 000. */
  readonly progressIntervalMs?: number;
  /** Do not say on stderr what this is. Default `false`: it is said once per process. */
  readonly quiet?: boolean;
}

/** The options with their defaults. */
export type ResolvedOptions = Required<EmbeddedEtcdOptions>;

const DEFAULTS: ResolvedOptions = {
  members: 1,
  host: "127.0.0.1",
  port: 0,
  allowRemote: false,
  version: "3.5.30",
  minTtlSeconds: 2,
  maxTxnOps: 128,
  maxRequestBytes: 1_572_864,
  tokenTtlSeconds: 300,
  progressIntervalMs: 600_000,
  quiet: false,
};

function whole(min: number, max: number): OptionCheck {
  return (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= min && value <= max
      ? undefined
      : `a whole number from ${min} to ${max}`;
}

const CHECKS: { readonly [K in keyof ResolvedOptions]: OptionCheck } = {
  members: whole(1, 9),
  host: (value) =>
    typeof value === "string" && (isIP(value) !== 0 || value === "localhost")
      ? undefined
      : 'an IP address or "localhost"',
  port: whole(0, 65_535),
  allowRemote: isBoolean,
  version: (value) =>
    typeof value === "string" && /^3\.([4-9]|\d\d+)\.\d+$/.test(value)
      ? undefined
      : 'a release from 3.4 on, such as "3.5.30"',
  minTtlSeconds: whole(1, 9_000_000_000),
  maxTxnOps: whole(1, 2 ** 31 - 1),
  maxRequestBytes: whole(1, 2 ** 30),
  tokenTtlSeconds: (value) =>
    typeof value === "number" && Number.isFinite(value) && value > 0 ? undefined : "a number above 0",
  progressIntervalMs: (value) =>
    typeof value === "number" && Number.isFinite(value) && value >= 1 ? undefined : "a number of at least 1",
  quiet: isBoolean,
};

/** @throws TypeError naming the first option that is unknown or wrong, what it must be, and what it was. */
export function resolveOptions(options: EmbeddedEtcdOptions): ResolvedOptions {
  checkEach(options, CHECKS);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const resolved: ResolvedOptions = { ...DEFAULTS, ...Object.fromEntries(given) };
  const { host, port, members, allowRemote } = resolved;
  if (!allowRemote && !isLoopback(host)) {
    throw new TypeError(
      `Expected option "host" to be a loopback address unless "allowRemote" is true, got ${show(host)}`,
    );
  }
  if (port !== 0 && port + members - 1 > 65_535) {
    throw new TypeError(`Expected option "port" to leave room for ${members} members, got ${port}`);
  }
  return resolved;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
