import { EtcdClient } from "@quorumkit/core";
import { type Contender, LEASE_TTL_S } from "../contender.ts";

/** This client, with writes coalesced too. */
export function connect(endpoint: string): Contender {
  const etcd = new EtcdClient({ endpoints: endpoint, timeoutMs: 60_000, coalesce: { writes: true } });
  return {
    get: async (key) => etcd.get(key),
    put: async (key, value) => etcd.put(key, value),
    watch: async (prefix, startRevision, onEvents) => {
      const watcher = etcd.watch({ prefix }, startRevision === 0n ? {} : { startRevision });
      await watcher.ready();
      void (async () => {
        for await (const { events } of watcher) onEvents(events.length);
      })().catch(() => {});
    },
    keepLease: async () => (await etcd.openSession({ ttlSeconds: LEASE_TTL_S })).leaseId,
    close: async () => etcd.close(),
  };
}
