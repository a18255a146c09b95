import { show } from "../check-options.ts";

/** A server's URL, or anything that has one, such as an `EtcdServer`; of that, it is read for every new connection. */
export type FaultProxyTarget = string | URL | { readonly endpoint: string };

/** Where a target listens. */
export interface TargetAddress {
  readonly scheme: "http:" | "https:";
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORTS = { "http:": 80, "https:": 443 } as const;

/** @throws TypeError when the target has no `http` or `https` URL. */
export function addressOf(target: FaultProxyTarget): TargetAddress {
  const text = urlText(target);
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new TypeError(
      `Expected target to be an http or https URL, or an object with one as its endpoint, got ${show(text ?? target)}`,
    );
  }
  return {
    scheme: url.protocol,
    // Brackets belong to the URL, not to the address.
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? DEFAULT_PORTS[url.protocol] : Number(url.port),
  };
}

function urlText(target: FaultProxyTarget): string | undefined {
  if (typeof target === "string") return target;
  if (target instanceof URL) return target.href;
  return typeof target === "object" && target !== null && typeof target.endpoint === "string"
    ? target.endpoint
    : undefined;
}
