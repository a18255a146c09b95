import { onTestFinished } from "vitest";
import type { FaultProxy } from "../../../src/proxy/fault-proxy.ts";
import { startFaultProxy, type FaultProxyOptions } from "../../../src/proxy/start-fault-proxy.ts";
import { dial, TestServer, type TestSocket } from "./sockets.ts";

/** A proxy in front of a server, and connections through it. */
export interface Scene {
  readonly server: TestServer;
  readonly proxy: FaultProxy;
  readonly connect: () => Promise<{ readonly client: TestSocket; readonly upstream: TestSocket }>;
}

/** Ends with the test. */
export async function scene(options: FaultProxyOptions & { readonly echo?: boolean } = {}): Promise<Scene> {
  const { echo = false, ...proxyOptions } = options;
  const server = await TestServer.start({ echo });
  const proxy = await startFaultProxy(server, proxyOptions);
  const clients: TestSocket[] = [];
  onTestFinished(async () => {
    for (const { socket } of clients) socket.destroy();
    await proxy.close();
    await server[Symbol.asyncDispose]();
  });
  const connect: Scene["connect"] = async () => {
    const client = await dial(proxy.endpoint);
    clients.push(client);
    return { client, upstream: await server.connection(server.sockets.length) };
  };
  return { server, proxy, connect };
}
