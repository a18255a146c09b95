import { type Metered, sumOfMetric } from "./metrics.ts";

/** How often a server has been asked for this RPC, by its own metrics. */
export async function rpcCount(server: Metered, method: string): Promise<number> {
  return sumOfMetric(server, "grpc_server_started_total", `grpc_method="${method}"`);
}

/** How often a server has ended a call of this RPC, whatever its answer was. */
export async function rpcsHandled(server: Metered, method: string): Promise<number> {
  return sumOfMetric(server, "grpc_server_handled_total", `grpc_method="${method}"`);
}

/** How many calls of this RPC a server is busy with. */
export async function rpcsOpen(server: Metered, method: string): Promise<number> {
  return (await rpcCount(server, method)) - (await rpcsHandled(server, method));
}
