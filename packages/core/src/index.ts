export type { CoalesceOptions } from "./batch/coalesce-options.ts";
export type { Auth, AuthStatus, Role, User, UserAddOptions } from "./auth/auth.ts";
export type { UserCredentials } from "./auth/credentials.ts";
export type { Access, Permission } from "./auth/permission.ts";
export { EtcdClient } from "./client.ts";
export { DIAGNOSTICS } from "./diagnostics/channels.ts";
export type {
  CallMessage,
  ConnectionMessage,
  LeaseMessage,
  RetryMessage,
  StreamMessage,
  WatchMessage,
} from "./diagnostics/messages.ts";
export type {
  Cluster,
  MemberAddOptions,
  MemberAddResult,
  MemberListOptions,
  MemberUpdateOptions,
} from "./cluster/cluster.ts";
export type { Member } from "./cluster/member.ts";
export { type EtcdErrorCode, ERROR_CODES } from "./errors/error-codes.ts";
export { EtcdError, type EtcdErrorOptions, isEtcdError, type Outcome } from "./errors/etcd-error.ts";
export type { Bytes } from "./kv/bytes.ts";
export type { CompactOptions } from "./kv/compact.ts";
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
export type {
  CompareAndSwapOptions,
  PutAllOptions,
  PutIfAbsentOptions,
  PutIfAbsentResult,
  SwapResult,
} from "./kv/short-forms.ts";
export type { Lease } from "./lease/lease.ts";
export type { GrantOptions, Leases, TimeToLive, TimeToLiveOptions } from "./lease/leases.ts";
export type { PutWithTtlOptions, PutWithTtlResult } from "./lease/put-with-ttl.ts";
export type { SessionOptions } from "./lease/open-session.ts";
export type { Session } from "./lease/session.ts";
export type { Leasing } from "./leasing/leasing.ts";
export type { LeasingOptions } from "./leasing/leasing-options.ts";
export type { LeasingTxn } from "./leasing/leasing-txn.ts";
export type { HeldLock } from "./lock/held-lock.ts";
export type { AcquireOptions, Lock, LockOptions } from "./lock/lock.ts";
export type { Alarm, DisarmOptions } from "./maintenance/alarms.ts";
export type {
  DefragmentOptions,
  HashKVOptions,
  Maintenance,
  MemberCallOptions,
  MemberHash,
  MemberHashKV,
  SnapshotOptions,
  SnapshotToFileOptions,
} from "./maintenance/maintenance.ts";
export type { MemberStatus } from "./maintenance/member-status.ts";
export type { Snapshot } from "./maintenance/snapshot.ts";
export type { SnapshotFile, SnapshotProgress } from "./maintenance/snapshot-file.ts";
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
export type { QueueKey } from "./queue/ticket.ts";
export type { ReadWriteLock } from "./read-write-lock/read-write-lock.ts";
export type { Barrier } from "./recipes/barrier.ts";
export type { DoubleBarrier, DoubleBarrierOptions } from "./recipes/double-barrier.ts";
export type { PriorityQueue } from "./recipes/priority-queue.ts";
export type { Enqueued, Queue } from "./recipes/queue.ts";
export type { Semaphore, SemaphoreOptions } from "./semaphore/semaphore.ts";
export type { Isolation } from "./stm/isolation.ts";
export type { StmOptions, StmResult } from "./stm/stm.ts";
export type { StmPutOptions, StmTransaction } from "./stm/transaction.ts";
export type {
  ElectionService,
  ServiceCampaignOptions,
  ServiceLeadership,
} from "./services/election-service.ts";
export type { LockService, ServiceLockOptions } from "./services/lock-service.ts";
export type { WaitingCallOptions } from "./services/waiting-call.ts";
export type { AuthOptions } from "./transport/auth-options.ts";
export type { Balancing } from "./transport/balancing.ts";
export type { CallOptions } from "./transport/call-options.ts";
export type { ConnectionMonitor, ConnectionMonitorEvents } from "./transport/connection-monitor.ts";
export type {
  ConnectionState,
  ConnectionStatus,
  EndpointState,
  EndpointStatus,
} from "./transport/connection-state.ts";
export { discoverEndpoints, type DiscoverEndpointsOptions } from "./transport/discover-endpoints.ts";
export type { PingOptions } from "./transport/ping-options.ts";
export type { RetryOptions } from "./transport/retry-options.ts";
export type { TlsOptions } from "./transport/tls-options.ts";
export type { Topology } from "./transport/topology.ts";
export { compare, type Compare, type CompareBuilder, type Comparison } from "./txn/compare.ts";
export { op } from "./txn/op.ts";
export type { CommitOptions, Txn } from "./txn/txn.ts";
export type { Op, OpResults, TxnResult } from "./txn/txn-types.ts";
export type { WatchBatch, WatchEvent } from "./watch/watch-event.ts";
export type { WatchOptions } from "./watch/watch-options.ts";
export type { Watcher, WatcherEvents, WatcherState, WatchLag } from "./watch/watcher.ts";
