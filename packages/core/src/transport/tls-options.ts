import { createPrivateKey, X509Certificate } from "node:crypto";
import { booleanOption, describe, refuseUnknown } from "../util/validate.ts";

/**
 * TLS for the `https://` endpoints. Certificates and keys are in PEM, given as they are or as the path of a file. Files are
 * read again before each new connection, so that renewed ones need no restart; connections that stand go on with what they
 * have. While files cannot be read or do not fit together, what was read before stays in use, and `connection.tlsError` says why.
 * A certificate and its key make TLS mutual: etcd with `--client-cert-auth` takes the certificate's common name for the
 * user, unless `auth` says otherwise.
 */
export interface TlsOptions {
  /** Whom to trust. @default the authorities Node.js trusts */
  readonly ca?: string | Uint8Array | undefined;
  /** The path of a file with `ca`. */
  readonly caFile?: string | undefined;
  /** The client's certificate, followed by the intermediate ones if there are any. Goes with a key. */
  readonly cert?: string | Uint8Array | undefined;
  /** The path of a file with `cert`. */
  readonly certFile?: string | undefined;
  /** The certificate's private key, not encrypted. */
  readonly key?: string | Uint8Array | undefined;
  /** The path of a file with `key`. */
  readonly keyFile?: string | undefined;
  /** The name to expect in the server's certificate. @default the host of the endpoint */
  readonly serverName?: string | undefined;
  /** Only false for a trial: then anybody can stand between the client and etcd. @default true */
  readonly rejectUnauthorized?: boolean | undefined;
}

export type PemKind = "ca" | "cert" | "key";

/** One PEM and where it is from; `name` is the option's. */
export type PemSource =
  { readonly name: string; readonly pem: Buffer } | { readonly name: string; readonly path: string };

export interface ResolvedTls {
  readonly sources: Readonly<Partial<Record<PemKind, PemSource>>>;
  readonly serverName: string | undefined;
  readonly rejectUnauthorized: boolean;
}

const OPTIONS: readonly (keyof TlsOptions)[] = [
  "ca",
  "caFile",
  "cert",
  "certFile",
  "key",
  "keyFile",
  "serverName",
  "rejectUnauthorized",
];

/** Checks the `tls` option, with whatever PEM is in it. Reads no file. */
export function resolveTls(tls: TlsOptions): ResolvedTls {
  refuseUnknown(tls, OPTIONS, "tls");
  const { ca, caFile, cert, certFile, key, keyFile, serverName, rejectUnauthorized } = tls;
  if (serverName !== undefined && (typeof serverName !== "string" || serverName === ""))
    throw new TypeError(`tls.serverName must be a non-empty string, received ${describe(serverName)}`);
  const sources = {
    ...sourceOf("ca", ca, caFile),
    ...sourceOf("cert", cert, certFile),
    ...sourceOf("key", key, keyFile),
  };
  if (sources.cert !== undefined && sources.key === undefined)
    throw new TypeError(`tls: ${sources.cert.name} needs key or keyFile beside it`);
  if (sources.key !== undefined && sources.cert === undefined)
    throw new TypeError(`tls: ${sources.key.name} needs cert or certFile beside it`);
  return {
    sources,
    serverName,
    rejectUnauthorized: booleanOption(rejectUnauthorized, "tls.rejectUnauthorized", true),
  };
}

function sourceOf(
  kind: PemKind,
  value: string | Uint8Array | undefined,
  path: string | undefined,
): Partial<Record<PemKind, PemSource>> {
  if (value !== undefined && path !== undefined)
    throw new TypeError(`tls: give ${kind} or ${kind}File, not both`);
  if (path !== undefined) {
    const name = `tls.${kind}File`;
    if (typeof path !== "string" || path === "" || path.includes("-----BEGIN"))
      throw new TypeError(`${name} must be the path of a file in PEM`);
    return { [kind]: { name, path } };
  }
  if (value === undefined) return {};
  const name = `tls.${kind}`;
  if (typeof value !== "string" && !(value instanceof Uint8Array))
    throw new TypeError(`${name} must be a string or bytes in PEM, received a value of type ${typeof value}`);
  const pem = Buffer.from(value);
  checkPem(kind, name, pem);
  return { [kind]: { name, pem } };
}

/** Throws a TypeError that names the option and shows nothing of the content. */
export function checkPem(kind: PemKind, name: string, pem: Buffer): void {
  try {
    parse(kind, pem);
  } catch {
    const what = kind === "key" ? "a private key, not encrypted," : "a certificate";
    throw new TypeError(`${name} must be ${what} in PEM`);
  }
}

const END = /^-----END [A-Z0-9 ]+-----/m;
const CERTIFICATE = /^-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/;

function parse(kind: PemKind, pem: Buffer): unknown {
  if (kind === "key") return createPrivateKey(pem);
  // Node would take the first certificate and leave out what follows one that is broken off.
  const blocks = pem.toString("latin1").split(/^(?=-----BEGIN)/m);
  const begun = blocks.filter((each) => each.startsWith("-----BEGIN"));
  if (!begun.every((each) => END.test(each))) throw new Error("broken off");
  const certificates = begun.filter((each) => CERTIFICATE.test(each));
  // It would take DER, too, which not all of Node's TLS does.
  if (certificates.length === 0) throw new Error("no PEM");
  return certificates.map((each) => new X509Certificate(each));
}
