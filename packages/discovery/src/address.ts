import { describe } from "@quorumkit/core/internal";

/** "host:port", where an IPv6 host stands in brackets. */
const HOST_AND_PORT = /^(?:\[[0-9a-fA-F:.%]+\]|[^\s:/@?#[\]]+):(\d{1,5})$/;
const URL_SCHEME = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\//;

/** Addresses a server may listen on, but which nobody can call. */
const WILDCARDS: ReadonlySet<string> = new Set(["0.0.0.0", "[::]", "*"]);

/**
 * Checks an address others are meant to call: "host:port", or a URL. Refused are the wildcards a server listens on, and
 * port 0, since the port that counts is the one the kernel chose.
 */
export function checkAddress(value: unknown, name: string): string {
  if (typeof value !== "string" || value === "") {
    throw new TypeError(`${name} must be "host:port" or a URL, received ${describe(value)}`);
  }
  const host = URL_SCHEME.test(value) ? hostOfUrl(value, name) : hostOfPair(value, name);
  if (WILDCARDS.has(host)) {
    throw new TypeError(
      `${name} must be an address others can call, and ${host} is only one to listen on; received ${describe(value)}`,
    );
  }
  return value;
}

function hostOfUrl(value: string, name: string): string {
  const url = parse(value);
  if (url === undefined || url.hostname === "" || /\s/.test(value)) {
    throw new TypeError(`${name} must be "host:port" or a URL with a host, received ${describe(value)}`);
  }
  if (url.port === "0") throw new TypeError(`${name} must not have port 0, received ${describe(value)}`);
  return url.hostname;
}

function hostOfPair(value: string, name: string): string {
  const port = Number(HOST_AND_PORT.exec(value)?.[1]);
  if (!(port >= 1 && port <= 65_535)) {
    throw new TypeError(
      `${name} must be "host:port" with a port between 1 and 65535, or a URL, received ${describe(value)}`,
    );
  }
  const host = value.slice(0, value.lastIndexOf(":"));
  // The URL parser knows every spelling of the wildcard: "0", "0x0", "[0::0]".
  return parse(`http://${host}`)?.hostname ?? host;
}

function parse(value: string): URL | undefined {
  // Only the schemes of the web get their hosts normalised, so every scheme is read as one of them.
  const special = value.replace(URL_SCHEME, "http://");
  return URL.canParse(special) ? new URL(special) : undefined;
}
