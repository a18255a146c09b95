import { EtcdClient, op } from "@quorumkit/core";
import { type EtcdServer, startEtcd } from "@quorumkit/testing";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { z } from "zod";
import { ConfigCenter, type ConfigEvents, type Documents } from "../src/index.ts";

export const database = z.object({
  host: z.string(),
  poolSize: z.number().max(100).default(5),
  tags: z.array(z.string()).optional(),
});
const limits = z.object({ rps: z.number().int() }).prefault({ rps: 10 });
export const documents = { database, limits };
export const layers = ["global", "env/prod", "service/orders"];

/** One etcd and one client for all tests of a file; each test has a prefix of its own. */
export function sharedEtcd(): { readonly etcd: EtcdClient; readonly server: EtcdServer; prefix(): string } {
  let server: EtcdServer;
  let etcd: EtcdClient;
  let count = 0;
  beforeAll(async () => {
    server = await startEtcd();
    etcd = new EtcdClient({ endpoints: server.endpoint });
  });
  afterAll(async () => {
    await etcd.close();
    await server.close();
  });
  return {
    get etcd() {
      return etcd;
    },
    get server() {
      return server;
    },
    prefix: () => `test-${++count}`,
  };
}

/** Opens a center on the documents above, closed when the test ends. */
export async function openCenter(etcd: EtcdClient, prefix: string): Promise<ConfigCenter<typeof documents>> {
  const center = await ConfigCenter.open(etcd, { prefix, layers, documents });
  onTestFinished(() => center.close());
  return center;
}

/** Writes raw values past the center, all in one transaction. */
export async function store(
  etcd: EtcdClient,
  prefix: string,
  values: Record<string, unknown>,
): Promise<bigint> {
  const puts = Object.entries(values).map(([key, value]) =>
    op.put(`${prefix}/${key}`, typeof value === "string" ? value : JSON.stringify(value)),
  );
  return (
    await etcd
      .txn()
      .then(...puts)
      .commit()
  ).revision;
}

/** Keeps what an event has told. */
export function recorded<D extends Documents, E extends keyof ConfigEvents<D>>(
  center: ConfigCenter<D>,
  event: E,
): ConfigEvents<D>[E][] {
  const seen: ConfigEvents<D>[E][] = [];
  center.on(event, (payload) => seen.push(payload));
  return seen;
}
