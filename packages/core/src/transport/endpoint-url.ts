import { describe } from "../util/validate.ts";

/** An endpoint as the user wrote it, and as grpc-js wants it. */
export interface EndpointUrl {
  readonly url: string;
  readonly target: string;
  readonly secure: boolean;
}

const DEFAULT_PORT = "2379";

/** Reads `http://host:port`, `https://host:port`, `host:port` or `unix:///path`. Refuses everything else with a TypeError. */
export function parseEndpoint(value: string): EndpointUrl {
  // What stands before an @ may be a password.
  const shown =
    typeof value === "string" && value.includes("@") ? "a URL with a user in it" : describe(value);
  const refuse = (why: string): TypeError =>
    new TypeError(
      `endpoints: ${why}; expected http://host:port, https://host:port or unix:///path, received ${shown}`,
    );
  if (typeof value !== "string" || value === "") throw refuse("an endpoint must be a non-empty string");
  const text = value.includes("://") ? value : `http://${value}`;
  if (!URL.canParse(text)) throw refuse("not a URL");
  const { protocol, hostname, port, pathname, username, password, search, hash } = new URL(text);
  if (protocol === "unix:" && hostname === "" && pathname.length > 1 && search === "" && hash === "") {
    const path = decodeURIComponent(pathname);
    return { url: `unix://${path}`, target: `unix://${path}`, secure: false };
  }
  if (protocol === "unix:") throw refuse("the path of a unix socket is to be absolute");
  if (protocol !== "http:" && protocol !== "https:") throw refuse(`protocol ${protocol} is not supported`);
  if (hostname === "") throw refuse("the host is missing");
  if ((pathname !== "/" && pathname !== "") || search !== "" || hash !== "")
    throw refuse("an endpoint has no path");
  if (username !== "" || password !== "") throw refuse("an endpoint has no user in it");
  // URL drops a port that is its protocol's default, so port 80 of plain http has to be read from the text.
  const fallback = /:(80|443)\/?$/.exec(text)?.[1] ?? DEFAULT_PORT;
  return {
    url: text.replace(/\/$/, ""),
    target: `${hostname}:${port === "" ? fallback : port}`,
    secure: protocol === "https:",
  };
}

/** Reads the `endpoints` option: one or several, without repetition. */
export function parseEndpoints(value: string | readonly string[]): readonly EndpointUrl[] {
  const list = typeof value === "string" ? [value] : value;
  if (!Array.isArray(list) || list.length === 0) {
    throw new TypeError(`endpoints must be a URL or a non-empty array of URLs, received ${describe(value)}`);
  }
  const parsed = list.map((each) => parseEndpoint(each as string));
  return parsed.filter(({ target }, index) => parsed.findIndex((other) => other.target === target) === index);
}
