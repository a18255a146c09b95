import { KeyCalls } from "./batch/key-calls.ts";
import { Auth } from "./auth/auth.ts";
import { ClientParts } from "./client-parts.ts";
import { Cluster } from "./cluster/cluster.ts";
import type { Bytes } from "./kv/bytes.ts";
import { type CompactOptions, compactRequest } from "./kv/compact.ts";
import { type DeleteOptions, deleteRequest, type DeleteResult, deleteResult } from "./kv/delete.ts";
import type { KeyRange } from "./kv/key-range.ts";
import type { KeyValue } from "./kv/key-value.ts";
import { type PutOptions, putRequest, type PutResult, putResult } from "./kv/put.ts";
import {
  type GetOptions,
  getRequest,
  getResult,
  type RangeOptions,
  rangeRequest,
  type RangeResult,
  rangeResult,
} from "./kv/range.ts";
import { RangeStreams } from "./kv/range-streams.ts";
import { checkScanOptions, type Page, pages, scan, type ScanOptions, type ScanSource } from "./kv/scan.ts";
import {
  compareAndSwap,
  type CompareAndSwapOptions,
  putAll,
  type PutAllOptions,
  putIfAbsent,
  type PutIfAbsentOptions,
  type PutIfAbsentResult,
  type SwapResult,
} from "./kv/short-forms.ts";
import { Leases } from "./lease/leases.ts";
import { putWithTtl, type PutWithTtlOptions, type PutWithTtlResult } from "./lease/put-with-ttl.ts";
import { openSession, type SessionOptions } from "./lease/open-session.ts";
import type { Session } from "./lease/session.ts";
import { Leasing } from "./leasing/leasing.ts";
import type { LeasingOptions } from "./leasing/leasing-options.ts";
import { Lock, type LockOptions } from "./lock/lock.ts";
import { Maintenance } from "./maintenance/maintenance.ts";
import { Mirror } from "./mirror/mirror.ts";
import { type ClientOptions, resolveOptions } from "./options.ts";
import { ElectionService } from "./services/election-service.ts";
import { LockService } from "./services/lock-service.ts";
import { ReadWriteLock } from "./read-write-lock/read-write-lock.ts";
import { Barrier } from "./recipes/barrier.ts";
import { DoubleBarrier, type DoubleBarrierOptions } from "./recipes/double-barrier.ts";
import { PriorityQueue } from "./recipes/priority-queue.ts";
import { Queue } from "./recipes/queue.ts";
import { Semaphore, type SemaphoreOptions } from "./semaphore/semaphore.ts";
import { stm, type StmOptions, type StmResult } from "./stm/stm.ts";
import type { StmTransaction } from "./stm/transaction.ts";
import { CALL_OPTIONS, type CallOptions, checkCallOptions } from "./transport/call-options.ts";
import type { ConnectionMonitor } from "./transport/connection-monitor.ts";
import type { Connection } from "./transport/connection.ts";
import * as rpcs from "./transport/rpcs.ts";
import { Txn } from "./txn/txn.ts";
import { refuseUnknown } from "./util/validate.ts";
import { Watcher } from "./watch/watcher.ts";
import { WatchHub } from "./watch/watch-hub.ts";
import type { WatchOptions } from "./watch/watch-options.ts";

/**
 * A client of one etcd cluster. Making one does no I/O; connections come with the first call. Close it when done, or
 * use `await using`.
 */
export class EtcdClient {
  /** Grant, revoke and look at leases. */
  readonly leases: Leases;
  /** The members: list, add, remove, move and promote them. */
  readonly cluster: Cluster;
  /** What an operator does: status, defragment, snapshots, alarms, moving the leader. */
  readonly maintenance: Maintenance;
  /** Users, roles and permissions. */
  readonly auth: Auth;
  /** The lock service inside etcd. Second choice, see {@link LockService}; {@link lock} is the first. */
  readonly lockService: LockService;
  /** The election service inside etcd. Second choice, see {@link ElectionService}. */
  readonly electionService: ElectionService;
  /** The deadline of a call that names none, in ms. */
  readonly timeoutMs: number;
  readonly #parts: ClientParts;
  readonly #connection: Connection;
  readonly #hub: WatchHub;
  readonly #scans: ScanSource;
  readonly #keys: KeyCalls;
  #closed: Promise<void> | undefined;

  /** The parts are for {@link namespace} and {@link ordered} to give. */
  constructor(options: ClientOptions | ClientParts) {
    this.#parts = options instanceof ClientParts ? options : ClientParts.of(resolveOptions(options));
    const resolved = this.#parts.options;
    this.timeoutMs = resolved.timeoutMs;
    this.#connection = this.#parts.connection;
    this.#hub = new WatchHub(this.#connection);
    this.#scans = { connection: this.#connection, streams: new RangeStreams(this.#connection) };
    this.#keys = new KeyCalls(this.#connection, resolved.coalesce, resolved.maxResponseBytes !== undefined);
    this.leases = new Leases(this.#connection);
    this.cluster = new Cluster(this.#connection);
    this.maintenance = new Maintenance(this.#connection);
    this.auth = new Auth(this.#connection);
    this.lockService = new LockService(this.#connection);
    this.electionService = new ElectionService(this.#connection);
  }

  /** Whether {@link close} was called, here or on the client this is a namespace of. */
  get closed(): boolean {
    return this.#connection.closing.aborted;
  }

  /** What is known of the way to the cluster: `state`, `endpoints`, and the event `change`. Namespaces share it. */
  get connection(): ConnectionMonitor {
    return this.#connection.monitor;
  }

  /** What stands before every key of this client in etcd; empty without a namespace. A copy. */
  get keyPrefix(): Buffer {
    return Buffer.from(this.#parts.namespace.prefix);
  }

  /**
   * A client whose keys all begin with `prefix`, and are called by what follows it: in requests, transactions and watches,
   * in answers, in the names of locks, elections and whatever is built on this client. Within a namespace, `prefix` comes
   * after the outer one. It shares this client's connections; closing it ends what was begun with it and nothing else, and
   * closing this client ends it, too. One that has nothing running may simply be forgotten.
   *
   * Leases, members, users and maintenance are the whole cluster's and stay what they are: revoking a lease deletes its
   * keys everywhere, a role's permissions name keys in full, revisions count everybody's writes, and compaction is everybody's.
   * Of a lease's keys `timeToLive` tells those inside. An empty prefix changes no key.
   */
  namespace(prefix: Bytes): EtcdClient {
    return new EtcdClient(this.#parts.within(prefix));
  }

  /**
   * A client whose reads never go back, `serializable` ones included, which other members may answer from older states: a
   * read is not answered with an older revision than this view had seen when it began, in an answer to a read or a write
   * of its own or in a watch. Another member is asked instead, until `timeoutMs` is over: then it is `FUTURE_REVISION`.
   *
   * Each call gives a new view, which has seen nothing yet; its namespaces are part of it. As a namespace, it shares this
   * client's connections and is closed by itself or with it. After a restore from a backup, which takes revisions back, a
   * view answers no more until the store is as far again: take a new one.
   */
  ordered(): EtcdClient {
    return new EtcdClient(this.#parts.ordered());
  }

  /** Writes a key. Not sent again when its answer is lost: the error's `outcome` is then `unknown`. */
  async put(key: Bytes, value: Bytes, options: PutOptions = {}): Promise<PutResult> {
    return putResult(await this.#keys.put(putRequest(key, value, options), options));
  }

  /** Reads one key; undefined when it does not exist. */
  async get(key: Bytes, options: GetOptions = {}): Promise<KeyValue | undefined> {
    return getResult(await this.#keys.get(getRequest(key, options), options));
  }

  /** Reads a range of keys in one answer. For many keys see {@link scan}. */
  async range(range: KeyRange, options: RangeOptions = {}): Promise<RangeResult> {
    const request = rangeRequest(range, options);
    return rangeResult(await this.#connection.unary(readRpc(options), request, options));
  }

  /** Reads a range of keys page by page, all of one revision, in the order of the keys. */
  scan(range: KeyRange, options: ScanOptions = {}): AsyncIterable<KeyValue> {
    checkScanOptions(range, options);
    return scan(this.#scans, range, options);
  }

  /** As {@link scan}, but gives whole pages, with the revision they are of. */
  pages(range: KeyRange, options: ScanOptions = {}): AsyncIterable<Page> {
    checkScanOptions(range, options);
    return pages(this.#scans, range, options);
  }

  /** Deletes a key or a range of keys. */
  async delete(range: KeyRange, options: DeleteOptions = {}): Promise<DeleteResult> {
    return deleteResult(
      await this.#connection.unary(rpcs.deleteRange, deleteRequest(range, options), options),
    );
  }

  /**
   * Forgets the versions of all keys that were replaced or deleted before `revision`. Older revisions are then
   * `COMPACTED` for reads and watches, and so is a second compaction of the same revision.
   */
  async compact(revision: bigint, options: CompactOptions = {}): Promise<void> {
    await this.#connection.unary(rpcs.compact, compactRequest(revision, options), options);
  }

  /**
   * Writes `next` if the key's value is `expected`, or, where that is undefined, if there is no such key. Values are
   * compared, so one that has changed and changed back counts as unchanged; where that matters, compare mod revisions with
   * {@link txn}. When the answer is lost the error's `outcome` is `unknown`: it is not sent again, since a second sending
   * would find the first one's value and say that somebody else came before.
   */
  async compareAndSwap(
    key: Bytes,
    expected: Bytes | undefined,
    next: Bytes,
    options: CompareAndSwapOptions = {},
  ): Promise<SwapResult> {
    return compareAndSwap(this.#connection, key, expected, next, options);
  }

  /** Writes a key if it does not exist, else gives it as it is. On a lost answer see {@link compareAndSwap}. */
  async putIfAbsent(key: Bytes, value: Bytes, options: PutIfAbsentOptions = {}): Promise<PutIfAbsentResult> {
    return putIfAbsent(this.#connection, key, value, options);
  }

  /**
   * Writes a key that is deleted after `ttlSeconds`, on a lease of its own that nobody renews. Where the write certainly
   * failed the lease is revoked; where its `outcome` is `unknown` both stay until the lease ends.
   */
  async putWithTtl(key: Bytes, value: Bytes, options: PutWithTtlOptions): Promise<PutWithTtlResult> {
    return putWithTtl({ connection: this.#connection, leases: this.leases }, key, value, options);
  }

  /**
   * Writes up to 128 keys as one step and one revision: `putAll(new Map([["a", "1"]]))`. A key given twice is refused.
   * With all values together it has to stay below the server's limit for a request, 1.5 MiB by default.
   */
  async putAll(
    entries: Iterable<readonly [key: Bytes, value: Bytes]>,
    options: PutAllOptions = {},
  ): Promise<{ readonly revision: bigint }> {
    return putAll(this.#connection, entries, options);
  }

  /** Begins a transaction: `txn().if(…).then(…).else(…).commit()`. */
  txn(): Txn {
    return new Txn(this.#connection, { if: [], then: [], else: [] });
  }

  /**
   * Runs `fn` as one transaction over whatever keys it reads and writes: `tx.get`, `tx.put` and `tx.delete`. When others
   * came between, nothing is written and `fn` runs anew, so it may run several times and should do nothing else that lasts.
   * An error of `fn` is passed on, and nothing is written. `timeoutMs` counts for all runs together.
   *
   * A transaction has as many keys as the server allows, 128 by default: keys read and keys written count each on their own.
   *
   * @throws EtcdError `CONFLICT` after `maxAttempts` runs; `TOO_MANY_OPERATIONS`. When the answer to the commit is lost, its
   * `outcome` is `unknown`, unless asking again could tell.
   */
  async stm<T>(fn: (tx: StmTransaction) => Promise<T> | T, options: StmOptions = {}): Promise<StmResult<T>> {
    return stm(this, fn, options);
  }

  /**
   * Grants a lease and keeps it alive until the session is closed or the lease is lost. With `lease` it keeps one alive that
   * there is already, and does not revoke it.
   */
  async openSession(options: SessionOptions = {}): Promise<Session> {
    return openSession(this.#parts, options);
  }

  /** Watches a range of keys. Returns at once; read it with `for await`. */
  watch(range: KeyRange, options: WatchOptions = {}): Watcher {
    const watcher = new Watcher({ connection: this.#connection, hub: this.#hub }, range, options);
    watcher.start();
    return watcher;
  }

  /**
   * Keeps a copy of a range of keys in memory, kept right by a watch. Resolves when the first listing is in; rejects
   * when that does not happen within `timeoutMs`.
   */
  async mirror(range: KeyRange, options: CallOptions = {}): Promise<Mirror> {
    refuseUnknown(options, CALL_OPTIONS, "mirror");
    checkCallOptions(options);
    const mirror = Mirror.start(this, range);
    try {
      await mirror.ready(options);
      return mirror;
    } catch (error) {
      await mirror.close();
      throw error;
    }
  }

  /** A fair lock by this name, shared with `etcdctl lock` and Go's `concurrency.Mutex`. */
  lock(name: string, options: LockOptions = {}): Lock {
    return new Lock(this, name, options);
  }

  /** A fair lock by this name that readers share and a writer has alone: `.read` and `.write` are locks. */
  readWriteLock(name: string, options: LockOptions = {}): ReadWriteLock {
    return new ReadWriteLock(this, name, options);
  }

  /** A fair lock by this name that up to `permits` hold at the same time. */
  semaphore(name: string, options: SemaphoreOptions): Semaphore {
    return new Semaphore(this, name, options);
  }

  /** Holds others up until it is released. Shared with Go's `recipes.Barrier`, as the three below with theirs. */
  barrier(name: string): Barrier {
    return new Barrier(this, name);
  }

  /** Lets `count` participants begin together and end together; the object is one of them. */
  doubleBarrier(name: string, options: DoubleBarrierOptions): DoubleBarrier {
    return new DoubleBarrier(this, name, options);
  }

  /** A queue by this name: first in, first out, and one consumer for each item. */
  queue(name: string): Queue {
    return new Queue(this, name);
  }

  /** A queue by this name in which the lowest number goes first. */
  priorityQueue(name: string): PriorityQueue {
    return new PriorityQueue(this, name);
  }

  /**
   * A cache of single keys whose reads are linearizable and ask nobody, for as long as everybody writes those keys through such
   * a cache with the same prefix, here or in Go (`client/v3/leasing`). Resolves when it has a session.
   */
  async leasing(prefix: Bytes, options: LeasingOptions = {}): Promise<Leasing> {
    return Leasing.open(this, prefix, options);
  }

  /**
   * Ends everything that was begun with this client, revokes its sessions' leases and closes its connections, unless it is
   * a {@link namespace} of another client, whose connections they are. New calls are refused with `CLOSED`; those that are
   * on their way get `timeoutMs` to be answered, then they end so, too.
   */
  async close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#connection.beginClosing();
    const drained = this.#connection.drain(this.timeoutMs);
    const { sessions } = this.#parts;
    await sessions.close();
    await drained;
    // A lease that was being granted when all this began has become a session by now.
    await sessions.opened();
    await sessions.close();
    this.#connection.close();
  }
}

function readRpc({ serializable }: { readonly serializable?: boolean | undefined }): typeof rpcs.range {
  return serializable === true ? rpcs.serializableRange : rpcs.range;
}
