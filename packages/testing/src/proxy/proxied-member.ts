import type { EtcdServer } from "../etcd-server.ts";
import type { FaultProxy } from "./fault-proxy.ts";

/** One member of a {@link ProxiedCluster}, with the proxies before its two ports. */
export interface ProxiedMember {
  /** Its place in the cluster, from 0. */
  readonly index: number;
  readonly name: string;
  /** The etcd itself. Its own endpoint leads past the proxies, for who has to look at a member that is cut off. */
  readonly server: EtcdServer;
  /** What clients pass through. */
  readonly clients: FaultProxy;
  /**
   * What other members pass through when they dial this one. That is one half of what it has to do with them: it dials
   * them too. To cut it off, use the cluster.
   */
  readonly peers: FaultProxy;
  /** What to give its clients: that of {@link ProxiedMember.clients}. */
  readonly endpoint: string;
}
