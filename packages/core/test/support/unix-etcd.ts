import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";

/** An etcd that is reached by the socket at `path`. Etcd 3.4 takes no path for one, so there a relay has it. */
export async function startUnixEtcd(path: string): Promise<{ server: EtcdServer } & AsyncDisposable> {
  const plain = await startEtcd();
  if (plain.version.startsWith("3.4.")) return startRelay(path, plain);
  await plain.close();
  const server = await startEtcd({ clientUrls: [`unix://${path}`] });
  return { server, [Symbol.asyncDispose]: async () => server.close() };
}

async function startRelay(
  path: string,
  server: EtcdServer,
): Promise<{ server: EtcdServer } & AsyncDisposable> {
  const { hostname, port } = new URL(server.endpoint);
  const sockets = new Set<Socket>();
  const relay = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on("error", () => {});
      from.on("close", () => to.destroy());
      from.pipe(to);
    }
  });
  relay.listen(path);
  await once(relay, "listening");
  return {
    server,
    [Symbol.asyncDispose]: async () => {
      relay.close();
      for (const each of sockets) each.destroy();
      await server.close();
    },
  };
}
