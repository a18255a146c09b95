/** How often a server has been asked for this RPC, by its own metrics. */
export async function rpcCount(endpoint: string, method: string): Promise<number> {
  return sumOf(await metricsOf(endpoint), "grpc_server_started_total", method);
}

/** How many calls of this RPC a server is busy with. */
export async function rpcsOpen(endpoint: string, method: string): Promise<number> {
  const metrics = await metricsOf(endpoint);
  return (
    sumOf(metrics, "grpc_server_started_total", method) - sumOf(metrics, "grpc_server_handled_total", method)
  );
}

async function metricsOf(endpoint: string): Promise<readonly string[]> {
  return (await (await fetch(`${endpoint}/metrics`)).text()).split("\n");
}

function sumOf(metrics: readonly string[], metric: string, method: string): number {
  return metrics
    .filter((line) => line.startsWith(`${metric}{`) && line.includes(`grpc_method="${method}"`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
