/** What has endpoints whose metrics count together: a server, a cluster, or a stand-in for one. */
export interface Metered {
  readonly endpoints: readonly string[];
}

/** The sum of a metric over all members and all its label sets that contain `label`, such as `grpc_method="Range"`. */
export async function sumOfMetric({ endpoints }: Metered, metric: string, label = ""): Promise<number> {
  const texts = await Promise.all(
    endpoints.map(async (endpoint) => (await fetch(`${endpoint}/metrics`)).text()),
  );
  return texts
    .flatMap((text) => text.split("\n"))
    .filter((line) => [" ", "{"].includes(line.charAt(metric.length)) && line.startsWith(metric))
    .filter((line) => line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
