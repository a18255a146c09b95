import { EtcdClient } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll } from "vitest";

export interface OneEtcd {
  readonly server: EtcdServer;
  readonly etcd: EtcdClient;
  /** A name that no other test of the file has. */
  readonly newName: () => string;
}

/** An etcd and a client of it for all tests of a file, closed after the last one. Names begin with `what`. */
export async function startOneEtcd(what: string): Promise<OneEtcd> {
  const server = await startEtcd();
  const etcd = new EtcdClient({ endpoints: server.endpoints });
  afterAll(async () => {
    await etcd.close();
    await server.close();
  });
  let names = 0;
  return { server, etcd, newName: () => `${what}/${names++}` };
}
