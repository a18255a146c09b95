/** How often a server has been asked for this RPC, by its own metrics. */
export async function rpcCount(endpoint: string, method: string): Promise<number> {
  const metrics = await (await fetch(`${endpoint}/metrics`)).text();
  const lines = metrics
    .split("\n")
    .filter((line) => line.startsWith("grpc_server_started_total{") && line.includes(`grpc_method="${method}"`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
