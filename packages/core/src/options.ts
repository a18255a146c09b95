import {
  type CoalesceOptions,
  type ResolvedCoalesceOptions,
  resolveCoalesceOptions,
} from "./batch/coalesce-options.ts";
import { timeoutOption } from "./transport/call-options.ts";
import { type EndpointUrl, parseEndpoints } from "./transport/endpoint-url.ts";
import { refuseUnknown } from "./util/validate.ts";

export interface ClientOptions {
  /** Where the members are: `http://host:port`, `https://host:port` (the system's certificates), or `host:port`. */
  readonly endpoints: string | readonly string[];
  /**
   * The deadline of a call that names none, in milliseconds, with all its repetitions.
   *
   * @default 5000
   */
  readonly timeoutMs?: number | undefined;
  /** Whether concurrent calls share requests. @default reads do, writes do not */
  readonly coalesce?: CoalesceOptions | undefined;
}

export interface ResolvedOptions {
  readonly coalesce: ResolvedCoalesceOptions;
  readonly endpoints: readonly EndpointUrl[];
  readonly timeoutMs: number;
}

const OPTIONS: readonly (keyof ClientOptions)[] = ["endpoints", "timeoutMs", "coalesce"];

/** Checks the options and fills in defaults; the caller's object is left as it is. */
export function resolveOptions(options: ClientOptions): ResolvedOptions {
  refuseUnknown(options, OPTIONS, "EtcdClient");
  return {
    endpoints: parseEndpoints(options.endpoints),
    timeoutMs: timeoutOption(options.timeoutMs, 5_000),
    coalesce: resolveCoalesceOptions(options.coalesce),
  };
}
