import type { KeyRange } from "../kv/key-range.ts";
import type { Txn } from "../txn/txn.ts";
import type { WatchOptions } from "../watch/watch-options.ts";
import type { Watcher } from "../watch/watcher.ts";

/** What the queue needs of a client. */
export interface QueueClient {
  /** What stands before every key of the client in etcd. @default nothing */
  readonly keyPrefix?: Uint8Array;
  txn(): Txn;
  watch(range: KeyRange, options?: WatchOptions): Watcher;
}
