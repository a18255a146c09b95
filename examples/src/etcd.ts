import { startEtcd } from "@quorumkit/testing";

/** Where the examples find etcd: the comma-separated ETCD_ENDPOINTS, or one of their own that ends with the process. */
export async function etcdEndpoints(): Promise<string[]> {
  const given = process.env["ETCD_ENDPOINTS"];
  if (given !== undefined) return given.split(",");
  return [...(await startEtcd()).endpoints];
}
