import { parseArgs } from "node:util";
import { EmbeddedEtcd, startEtcd } from "@quorumkit/testing";

/** The demo's etcd, and what happens to it. */
export interface DemoEtcd {
  readonly description: string;
  readonly endpoints: readonly string[];
  /** Ends it without a word: every connection breaks, and nobody listens any more. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and with what it had. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** What `--etcd` may say. */
export type EtcdKind = "embedded" | "real";

/** @throws TypeError for anything but `--etcd embedded` and `--etcd real`. */
export function etcdKindOf(args: readonly string[]): EtcdKind {
  const { values } = parseArgs({
    args: [...args],
    options: { etcd: { type: "string", default: "embedded" } },
  });
  if (values.etcd === "embedded" || values.etcd === "real") return values.etcd;
  throw new TypeError(`Expected --etcd to be embedded or real, got ${JSON.stringify(values.etcd)}`);
}

export async function startDemoEtcd(kind: EtcdKind): Promise<DemoEtcd> {
  return kind === "real" ? startReal() : startEmbedded();
}

/** Inside the demo's main process, started in milliseconds; the services are processes of their own all the same. */
async function startEmbedded(): Promise<DemoEtcd> {
  const etcd = await EmbeddedEtcd.start();
  const each = (work: "stop" | "start") => async (): Promise<void> => {
    for (const member of etcd.members) await member[work]();
  };
  return {
    description: "embedded in this process (npm run demo -- --etcd real takes a real one)",
    endpoints: etcd.endpoints,
    kill: each("stop"),
    restart: each("start"),
    close: () => etcd.close(),
  };
}

/** A process of its own, found on this machine or fetched. */
async function startReal(): Promise<DemoEtcd> {
  const etcd = await startEtcd();
  return {
    description: `${etcd.version}, a process of its own`,
    endpoints: etcd.endpoints,
    kill: () => etcd.kill(),
    restart: () => etcd.restart(),
    close: () => etcd.close(),
  };
}
