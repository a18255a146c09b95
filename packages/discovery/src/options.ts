import { describe, refuseUnknown, timeoutOption, ttlOption } from "@quorumkit/core/internal";
import type { InstanceCodec } from "./codec/codec.ts";
import { type CodecName, codecNamed } from "./codec/codecs.ts";

/** How a {@link ServiceRegistry} works. */
export interface ServiceRegistryOptions {
  /** Where the services lie in etcd: keys are `<prefix>/<service>/<instance id>`. Does not end in "/". Default "services". */
  readonly prefix?: string;
  /**
   * How long the instances of a process that died stay in etcd, in whole seconds. etcd raises what is below its own
   * minimum, 2 seconds by default. Default 10.
   */
  readonly ttlSeconds?: number;
  /** How instances lie in etcd. There is one layout so far. Default "json". */
  readonly codec?: CodecName;
  /**
   * How long `register`, `update`, `drain`, `deregister` and `ready` wait for etcd unless told otherwise, in
   * milliseconds. Default: that of the client, 5000 unless set.
   */
  readonly timeoutMs?: number;
}

export interface CheckedOptions {
  readonly prefix: string;
  readonly ttlSeconds: number;
  readonly codec: InstanceCodec;
  readonly timeoutMs: number;
}

const OPTIONS: readonly (keyof ServiceRegistryOptions)[] = ["prefix", "ttlSeconds", "codec", "timeoutMs"];

/** @throws TypeError naming the first option that is unknown or wrong. */
export function checkOptions(options: ServiceRegistryOptions, defaultTimeoutMs: number): CheckedOptions {
  refuseUnknown(options, OPTIONS, "ServiceRegistry");
  return {
    prefix: checkPrefix(options.prefix),
    ttlSeconds: ttlOption(options.ttlSeconds, 10),
    codec: codecNamed(options.codec),
    timeoutMs: timeoutOption(options.timeoutMs, defaultTimeoutMs),
  };
}

function checkPrefix(prefix: unknown = "services"): string {
  if (typeof prefix !== "string" || prefix === "") {
    throw new TypeError(`prefix must be a string that is not empty, received ${describe(prefix)}`);
  }
  if (prefix.endsWith("/")) throw new TypeError(`prefix must not end in "/", received ${describe(prefix)}`);
  return prefix;
}
