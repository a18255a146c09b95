import { generate, type SelfsignedOptions } from "selfsigned";

/** A certificate with its private key, both in PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

type Extensions = NonNullable<SelfsignedOptions["extensions"]>;

/** An authority of its own, for one test. */
export async function createAuthority(): Promise<Identity> {
  return issue("An authority for one test", undefined, [
    { name: "basicConstraints", cA: true, critical: true },
    { name: "keyUsage", keyCertSign: true, critical: true },
  ]);
}

/** A server's certificate for these host names and addresses. */
export async function serverCertificate(authority: Identity, ...names: readonly string[]): Promise<Identity> {
  return issue("a server", authority, [
    // etcd's JSON gateway is a client of its own server, with the server's certificate.
    { name: "extKeyUsage", serverAuth: true, clientAuth: true },
    {
      name: "subjectAltName",
      altNames: names.map((value) => (/^[\d.]+$/.test(value) ? { type: 7, ip: value } : { type: 2, value })),
    },
  ]);
}

/** A client's certificate; etcd takes the common name for the user. */
export async function clientCertificate(authority: Identity, commonName: string): Promise<Identity> {
  return issue(commonName, authority, [{ name: "extKeyUsage", clientAuth: true }]);
}

async function issue(
  commonName: string,
  authority: Identity | undefined,
  extensions: Extensions,
): Promise<Identity> {
  const { cert, private: key } = await generate([{ name: "commonName", value: commonName }], {
    keyType: "ec",
    algorithm: "sha256",
    // Clocks of one machine agree, but not to the second.
    notBeforeDate: new Date(Date.now() - 60_000),
    extensions,
    ...(authority === undefined ? {} : { ca: authority }),
  });
  return { cert, key };
}
