export { EtcdClient, type SessionOptions } from "./client.ts";
export { type EtcdErrorCode, ERROR_CODES } from "./errors/error-codes.ts";
export { EtcdError, type EtcdErrorOptions, isEtcdError, type Outcome } from "./errors/etcd-error.ts";
export type { Bytes } from "./kv/bytes.ts";
export type { DeleteOpOptions, DeleteOptions, DeleteResult } from "./kv/delete.ts";
export type { FromToRange, KeyRange, PrefixRange } from "./kv/key-range.ts";
export type { KeyValue } from "./kv/key-value.ts";
export type { LeaseRef, PutOpOptions, PutOptions, PutResult } from "./kv/put.ts";
export type {
  GetOpOptions,
  GetOptions,
  RangeOpOptions,
  RangeOptions,
  RangeResult,
  Sort,
} from "./kv/range.ts";
export type { Page, ScanOptions } from "./kv/scan.ts";
export type { Lease } from "./lease/lease.ts";
export type { GrantOptions, Leases, TimeToLive, TimeToLiveOptions } from "./lease/leases.ts";
export type { Session } from "./lease/session.ts";
export type { HeldLock } from "./lock/held-lock.ts";
export type { AcquireOptions, Lock, LockOptions } from "./lock/lock.ts";
export type { KeyChange } from "./mirror/key-map.ts";
export {
  Mirror,
  type MirrorChange,
  type MirrorClient,
  type MirrorEvents,
  type MirrorState,
} from "./mirror/mirror.ts";
export type { ClientOptions } from "./options.ts";
export type { GuardedTxn } from "./queue/guarded-txn.ts";
export type { CallOptions } from "./transport/call-options.ts";
export { compare, type Compare, type CompareBuilder, type Comparison } from "./txn/compare.ts";
export { op, type Op, type OpResults } from "./txn/op.ts";
export type { CommitOptions, Txn, TxnResult } from "./txn/txn.ts";
export type { WatchBatch, WatchEvent } from "./watch/watch-event.ts";
export type { WatchOptions } from "./watch/watch-options.ts";
export type { Watcher, WatcherEvents, WatcherState } from "./watch/watcher.ts";
