import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";

/**
 * `count` different TCP ports of 127.0.0.1 that were free a moment ago, chosen by the kernel.
 *
 * etcd must be told its ports before it listens, because it advertises them, so they cannot be held for it:
 * whoever starts an etcd has to try again with other ports when one was taken in between.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  try {
    await Promise.all(servers.map((server) => once(server, "listening")));
    return servers.map((server) => (server.address() as AddressInfo).port);
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}
