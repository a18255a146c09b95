import { EmbeddedEtcd, startEtcd } from "@quorumkit/testing";
import type { Pair, Side } from "./compare.ts";

interface PairOptions<Step> {
  readonly args?: readonly string[];
  /** Whether a member, be it the leader, answers a step from what it has applied so far. Default: none does. */
  readonly ofWhatIsApplied?: (step: Step) => boolean;
}

/** Starts a real etcd, and an embedded one that is to be like it. */
export async function openPair<Step>(
  open: (endpoint: string) => Side<Step>,
  { args = [], ofWhatIsApplied = () => false }: PairOptions<Step> = {},
): Promise<Pair<Step>> {
  const server = await startEtcd({ args });
  const twin = await EmbeddedEtcd.start({ version: server.version, quiet: true });
  const [etcd, embedded] = [open(server.endpoint), open(twin.endpoint)];
  return {
    etcd,
    embedded,
    version: server.version,
    // One that is alone has applied what it has answered.
    mayLag: (step) => server.endpoints.length > 1 && ofWhatIsApplied(step),
    async [Symbol.asyncDispose]() {
      await Promise.all([etcd.close(), embedded.close()]);
      await Promise.all([server.close(), twin.close()]);
    },
  };
}
