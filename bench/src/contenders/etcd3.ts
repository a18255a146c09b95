import { Etcd3 } from "etcd3";
import { type Contender, LEASE_TTL_S } from "../contender.ts";

/** npm's etcd3, as its README shows it. */
export function connect(endpoint: string): Contender {
  const etcd = new Etcd3({ hosts: endpoint });
  return {
    get: async (key) => etcd.get(key).buffer(),
    put: async (key, value) => etcd.put(key).value(value),
    watch: async (prefix, startRevision, onEvents) => {
      const watcher = await etcd.watch().prefix(prefix).startRevision(String(startRevision)).create();
      watcher.on("data", ({ events }) => onEvents(events.length));
    },
    keepLease: async () => BigInt(await etcd.lease(LEASE_TTL_S).grant()),
    close: async () => {
      etcd.close();
      return Promise.resolve();
    },
  };
}
