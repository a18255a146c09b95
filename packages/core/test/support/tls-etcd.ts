import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import type { Identity } from "./certificates.ts";
import { TestFiles } from "./test-files.ts";

/** An etcd that speaks TLS beside its plain endpoint, which etcdctl uses. */
export interface TlsEtcd extends AsyncDisposable {
  readonly server: EtcdServer;
  /** `https://127.0.0.1:…` */
  readonly endpoint: string;
}

export interface TlsEtcdOptions {
  readonly identity: Identity;
  /** Clients have to show a certificate of this authority. */
  readonly clientAuthority?: Identity;
}

const ATTEMPTS = 3;

export async function startTlsEtcd({ identity, clientAuthority }: TlsEtcdOptions): Promise<TlsEtcd> {
  const files = await TestFiles.create();
  const args = [
    `--cert-file=${await files.write("server.crt", identity.cert)}`,
    `--key-file=${await files.write("server.key", identity.key)}`,
  ];
  if (clientAuthority !== undefined) {
    const path = await files.write("clients.crt", clientAuthority.cert);
    args.push("--client-cert-auth", `--trusted-ca-file=${path}`);
  }
  for (let attempt = 1; ; attempt += 1) {
    const endpoint = `https://127.0.0.1:${await freePort()}`;
    try {
      const server = await startEtcd({ args, clientUrls: [endpoint] });
      return {
        server,
        endpoint,
        [Symbol.asyncDispose]: async () => {
          await server.close();
          await files[Symbol.asyncDispose]();
        },
      };
    } catch (error) {
      // Somebody else may have taken the port between our look and etcd's.
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
