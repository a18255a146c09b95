import { EmbeddedEtcd, startEtcd } from "@quorumkit/testing";
import type { Pair, Side } from "./compare.ts";

/** Starts a real etcd, and an embedded one that is to be like it. */
export async function openPair<Step>(
  open: (endpoint: string) => Side<Step>,
  args: readonly string[] = [],
): Promise<Pair<Step>> {
  const server = await startEtcd({ args });
  const twin = await EmbeddedEtcd.start({ version: server.version, quiet: true });
  const [etcd, embedded] = [open(server.endpoint), open(twin.endpoint)];
  return {
    etcd,
    embedded,
    version: server.version,
    async [Symbol.asyncDispose]() {
      await Promise.all([etcd.close(), embedded.close()]);
      await Promise.all([server.close(), twin.close()]);
    },
  };
}
