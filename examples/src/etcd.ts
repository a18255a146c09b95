import { EmbeddedEtcd } from "@quorumkit/testing";

/** An etcd for as long as an example uses it. */
export interface ExampleEtcd extends AsyncDisposable {
  readonly endpoints: readonly string[];
}

/** The etcd at ETCD_ENDPOINTS (comma-separated), or one inside this process, which ends with it. */
export async function openEtcd(): Promise<ExampleEtcd> {
  const given = process.env["ETCD_ENDPOINTS"];
  if (given === undefined) return EmbeddedEtcd.start();
  return { endpoints: given.split(","), [Symbol.asyncDispose]: () => Promise.resolve() };
}
