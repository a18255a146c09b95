import {
  type CoalesceOptions,
  type ResolvedCoalesceOptions,
  resolveCoalesceOptions,
} from "./batch/coalesce-options.ts";
import type { Bytes } from "./kv/bytes.ts";
import { Namespace } from "./namespace/namespace.ts";
import { type AuthOptions, resolveAuth, type TokenSource } from "./transport/auth-options.ts";
import { type Balancing, balancingOption } from "./transport/balancing.ts";
import { timeoutOption } from "./transport/call-options.ts";
import { ChannelSecurity } from "./transport/channel-security.ts";
import { type EndpointUrl, parseEndpoints } from "./transport/endpoint-url.ts";
import { type PingOptions, type ResolvedPings, resolvePings } from "./transport/ping-options.ts";
import { resolveRetry, type RetryOptions, type RetryPolicy } from "./transport/retry-options.ts";
import { resolveTls, type TlsOptions } from "./transport/tls-options.ts";
import type { Topology } from "./transport/topology.ts";
import { MAX_TIMER_MS } from "./util/clock.ts";
import { describe, numberOption, refuseUnknown } from "./util/validate.ts";

export interface ClientOptions {
  /**
   * Where the members are: `http://host:port`, `https://host:port`, `host:port` (without TLS), or `unix:///path` for a
   * socket of this machine.
   */
  readonly endpoints: string | readonly string[];
  /** How the `https://` endpoints are spoken to. @default the authorities Node.js trusts, and no certificate of our own */
  readonly tls?: TlsOptions | undefined;
  /**
   * Who the client is: a user name and a password, or a token. Takes precedence over the name in a certificate.
   * Not for use through etcd's own gRPC proxy, whose watches all carry the token of whoever came first (etcd#16112).
   *
   * @default nobody, or the certificate's common name where the server looks at that
   */
  readonly auth?: AuthOptions | undefined;
  /**
   * The deadline of a call that names none, in milliseconds, with all its repetitions.
   *
   * @default 5000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * How often and how patiently a call is repeated that may be, within its deadline.
   *
   * @default at once on another endpoint, as often as the deadline allows
   */
  readonly retry?: RetryOptions | undefined;
  /**
   * Which of the endpoints that work a call goes to. `roundRobin`: one after the other. `pickFirst`: the first one in the
   * order of `endpoints`, for a member that is near; calls go to the next one while it fails, and back to it once it is
   * found to work again. A stream, such as a watch, that had to go elsewhere stays there until it ends.
   *
   * @default "roundRobin"
   */
  readonly balancing?: Balancing | undefined;
  /**
   * The largest answer that is taken, in bytes, from 2 MiB up. A call whose answer is larger fails with
   * `RESPONSE_TOO_LARGE` and is not repeated; a watch that is sent a larger one ends with it; a mirror tells it and lists
   * again. Scans and mirrors read smaller pages instead. To a watch that catches up etcd sends as much at once as
   * its `--max-request-bytes` and 512 KiB, so where that is raised, the limit has to be above it.
   *
   * @default no limit
   */
  readonly maxResponseBytes?: number | undefined;
  /**
   * What stands behind each endpoint. `direct`: one member. `proxy`: etcd's gRPC proxy, a load balancer, or a name of
   * several addresses, so any member. Then a failure sets the endpoint aside for a moment only, and a learner's refusal
   * does no more than that.
   *
   * @default "direct"
   */
  readonly topology?: Topology | undefined;
  /**
   * How often the endpoints are completed from the cluster's member list, in milliseconds, while the client is in use.
   * A member's address is used once it has answered from here; learners are left out. The endpoints of this client's own
   * list that are not on the cluster's are kept for when no member works. With users, needs etcd's leave to list members:
   * without it, or when the list cannot be had, nothing changes and `connection.syncError` says why. Not with
   * `topology: "proxy"`.
   *
   * @default never
   */
  readonly syncEndpointsMs?: number | undefined;
  /** HTTP/2 pings of connections in use. @default every 10 s, to be answered within 5 s */
  readonly pings?: PingOptions | undefined;
  /** Whether concurrent calls share requests. @default reads do, writes do not */
  readonly coalesce?: CoalesceOptions | undefined;
  /**
   * A prefix that stands before every key of this client, such as `app/`: it sees only the keys there are with it, by the
   * names they have without it. See {@link EtcdClient.namespace} for what has no part in it.
   *
   * @default none
   */
  readonly namespace?: Bytes | undefined;
}

export interface ResolvedOptions {
  readonly topology: Topology;
  readonly balancing: Balancing;
  readonly maxResponseBytes: number | undefined;
  readonly retry: RetryPolicy;
  readonly syncEndpointsMs: number | undefined;
  readonly coalesce: ResolvedCoalesceOptions;
  readonly namespace: Namespace;
  readonly endpoints: readonly EndpointUrl[];
  readonly timeoutMs: number;
  readonly security: ChannelSecurity;
  readonly tokens: TokenSource | undefined;
  readonly pings: ResolvedPings;
}

const OPTIONS: readonly (keyof ClientOptions)[] = [
  "endpoints",
  "timeoutMs",
  "tls",
  "auth",
  "retry",
  "balancing",
  "maxResponseBytes",
  "topology",
  "syncEndpointsMs",
  "pings",
  "coalesce",
  "namespace",
];

/** Checks the options and fills in defaults; the caller's object is left as it is. */
export function resolveOptions(options: ClientOptions): ResolvedOptions {
  refuseUnknown(options, OPTIONS, "EtcdClient");
  const endpoints = parseEndpoints(options.endpoints);
  const timeoutMs = timeoutOption(options.timeoutMs, 5_000);
  return {
    endpoints,
    timeoutMs,
    security: securityOf(options.tls, endpoints),
    tokens: resolveAuth(options.auth, timeoutMs),
    pings: resolvePings(options.pings),
    retry: resolveRetry(options.retry),
    balancing: balancingOption(options.balancing),
    maxResponseBytes: responseLimit(options.maxResponseBytes),
    ...endpointOptions(options),
    coalesce: resolveCoalesceOptions(options.coalesce),
    namespace: new Namespace(options.namespace ?? ""),
  };
}

function endpointOptions({
  topology = "direct",
  syncEndpointsMs,
}: ClientOptions): Pick<ResolvedOptions, "topology" | "syncEndpointsMs"> {
  if (topology !== "direct" && topology !== "proxy")
    throw new TypeError(`topology must be "direct" or "proxy", received ${describe(topology)}`);
  if (syncEndpointsMs === undefined) return { topology, syncEndpointsMs };
  numberOption(syncEndpointsMs, "syncEndpointsMs", { min: 100, max: MAX_TIMER_MS, fallback: 0 });
  if (topology === "proxy")
    throw new TypeError(
      `syncEndpointsMs must be left out with topology "proxy": a member list leads past it, received ${describe(syncEndpointsMs)}`,
    );
  return { topology, syncEndpointsMs };
}

/** So much an etcd with its own defaults sends at once, however small its keys are, to a watch that catches up. */
const LEAST_RESPONSE_BYTES = 2 * 1024 * 1024;

function responseLimit(bytes: number | undefined): number | undefined {
  if (bytes === undefined) return undefined;
  return numberOption(bytes, "maxResponseBytes", {
    min: LEAST_RESPONSE_BYTES,
    max: 2 ** 31 - 1,
    integer: true,
    fallback: 0,
  });
}

function securityOf(tls: TlsOptions | undefined, endpoints: readonly EndpointUrl[]): ChannelSecurity {
  const resolved = tls === undefined ? undefined : resolveTls(tls);
  // A connection that was to be secret must not silently be in the clear.
  const open = resolved && endpoints.find(({ secure, target }) => !secure && !target.startsWith("unix:"));
  if (open !== undefined) throw new TypeError(`tls needs https:// endpoints, received ${open.url}`);
  return new ChannelSecurity(resolved);
}
