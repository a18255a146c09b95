import type { KeyRange } from "../kv/key-range.ts";
import type { ConnectionMonitor } from "../transport/connection-monitor.ts";
import type { Txn } from "../txn/txn.ts";
import type { WatchOptions } from "../watch/watch-options.ts";
import type { Watcher } from "../watch/watcher.ts";

/** What the queue needs of a client. */
export interface QueueClient {
  /** What stands before every key of the client in etcd. @default nothing */
  readonly keyPrefix?: Uint8Array;
  /** The way to the cluster, which a client shares with its namespaces and its sessions. @default not known */
  readonly connection?: ConnectionMonitor;
  txn(): Txn;
  watch(range: KeyRange, options?: WatchOptions): Watcher;
}
