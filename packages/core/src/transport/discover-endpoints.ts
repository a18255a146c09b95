import type { SrvRecord } from "node:dns";
import { Resolver } from "node:dns/promises";
import { EtcdError } from "../errors/etcd-error.ts";
import { onAbort } from "../util/abort.ts";
import { booleanOption, describe, refuseUnknown } from "../util/validate.ts";
import { CALL_OPTIONS, type CallOptions, checkCallOptions } from "./call-options.ts";

export interface DiscoverEndpointsOptions extends CallOptions {
  /** Tells clusters of one domain apart: `_etcd-client-ssl-<serviceName>._tcp.<domain>`. @default none */
  readonly serviceName?: string | undefined;
  /** Only the records with TLS (true) or only those without (false). @default those with TLS, or else those without */
  readonly secure?: boolean | undefined;
  /** The addresses of the name servers to ask, `ip` or `ip:port`. @default those of this machine */
  readonly servers?: readonly string[] | undefined;
}

const OPTIONS: readonly string[] = [...CALL_OPTIONS, "serviceName", "secure", "servers"];
const TIMEOUT_MS = 5_000;
const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i;

/** What DNS says where there are no such records; anything else is a failure to find out. */
const ABSENT: ReadonlySet<unknown> = new Set(["ENOTFOUND", "ENODATA"]);

/**
 * The endpoints that DNS names for a cluster, for the option `endpoints` of a client: those of the SRV records
 * `_etcd-client-ssl._tcp.<domain>`, as `https://`, or, where there are none, of `_etcd-client._tcp.<domain>`, as
 * `http://`. (`etcdctl --discovery-srv` takes both together; a client of ours refuses `http://` beside `tls`.) They are
 * sorted by priority and weight; the client uses all of them in turn, however they are sorted. `timeoutMs` is 5000 here
 * unless given.
 *
 * Records can be forged: `secure: true` takes none without TLS, and so does the client's option `tls`.
 *
 * @throws EtcdError `NOT_FOUND` where there are no such records, `UNAVAILABLE` where the name servers refuse or fail,
 * `TIMEOUT` and `ABORTED`.
 */
export async function discoverEndpoints(
  domain: string,
  options: DiscoverEndpointsOptions = {},
): Promise<string[]> {
  refuseUnknown(options, OPTIONS, "discoverEndpoints");
  checkCallOptions(options);
  const { signal, timeoutMs = TIMEOUT_MS } = options;
  const names = recordNames(domain, options);
  const resolver = resolverOf(options.servers);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    resolver.cancel();
  }, timeoutMs);
  const removeListener = onAbort(signal, () => resolver.cancel());
  try {
    for (const [scheme, name] of names) {
      signal?.throwIfAborted();
      const records = await lookUp(resolver, name);
      if (records.length > 0) return inOrder(records).map((each) => `${scheme}://${hostPort(each)}`);
    }
  } catch (cause) {
    if (signal?.aborted === true)
      throw new EtcdError("ABORTED", "discoverEndpoints was aborted by the caller", { cause: signal.reason });
    const { code } = cause as NodeJS.ErrnoException;
    if (late || code === "ETIMEOUT")
      throw new EtcdError("TIMEOUT", `no name server answered about ${domain} in time`, { cause });
    throw new EtcdError("UNAVAILABLE", `the SRV records of ${domain} could not be looked up: ${code}`, {
      cause,
    });
  } finally {
    clearTimeout(timer);
    removeListener();
  }
  const asked = names.map(([, name]) => name).join(" or ");
  throw new EtcdError("NOT_FOUND", `there are no SRV records ${asked}`);
}

/** Which records to ask for, one after the other, and what they stand for. */
function recordNames(
  domain: string,
  { serviceName, secure }: DiscoverEndpointsOptions,
): readonly (readonly [scheme: string, name: string])[] {
  const zone = typeof domain === "string" ? domain.replace(/\.$/, "") : "";
  if (zone.length > 253 || !zone.split(".").every((each) => isLabel(each.replaceAll("_", "a"), 63)))
    throw new TypeError(`domain must be a domain name, received ${describe(domain)}`);
  if (serviceName !== undefined && !isLabel(serviceName, 63 - "_etcd-client-ssl-".length))
    throw new TypeError(
      `serviceName must be letters, digits and hyphens, at most 46, received ${describe(serviceName)}`,
    );
  booleanOption(secure, "secure");
  const suffix = serviceName === undefined ? "" : `-${serviceName}`;
  const withTls = ["https", `_etcd-client-ssl${suffix}._tcp.${zone}`] as const;
  const without = ["http", `_etcd-client${suffix}._tcp.${zone}`] as const;
  if (secure === undefined) return [withTls, without];
  return [secure ? withTls : without];
}

function isLabel(value: unknown, most: number): boolean {
  return typeof value === "string" && value.length <= most && LABEL.test(value);
}

function resolverOf(servers: readonly string[] | undefined): Resolver {
  const resolver = new Resolver();
  if (servers === undefined) return resolver;
  try {
    if (servers.length === 0) throw new TypeError("there are none");
    resolver.setServers(servers);
  } catch (cause) {
    throw new TypeError(`servers must be addresses of name servers, received ${describe(servers)}`, {
      cause,
    });
  }
  return resolver;
}

async function lookUp(resolver: Resolver, name: string): Promise<readonly SrvRecord[]> {
  try {
    const records = await resolver.resolveSrv(name);
    // The root as target says that the service is decidedly not there (RFC 2782).
    return records.filter((each) => each.name !== "" && each.name !== ".");
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code)) return [];
    throw error;
  }
}

function hostPort({ name, port }: SrvRecord): string {
  return `${name.replace(/\.$/, "")}:${port}`;
}

function inOrder(records: readonly SrvRecord[]): readonly SrvRecord[] {
  return [...records].sort((a, b) => a.priority - b.priority || b.weight - a.weight);
}
