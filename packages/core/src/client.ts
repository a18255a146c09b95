import type { Bytes } from "./kv/bytes.ts";
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
import { checkScanOptions, type Page, pages, scan, type ScanOptions } from "./kv/scan.ts";
import { KeepAlive } from "./lease/keep-alive.ts";
import { ttlOption } from "./lease/lease.ts";
import { Leases } from "./lease/leases.ts";
import { Session } from "./lease/session.ts";
import { Lock, type LockOptions } from "./lock/lock.ts";
import { Mirror } from "./mirror/mirror.ts";
import { type ClientOptions, resolveOptions } from "./options.ts";
import { CALL_OPTIONS, type CallOptions, checkCallOptions } from "./transport/call-options.ts";
import { Connection } from "./transport/connection.ts";
import * as rpcs from "./transport/rpcs.ts";
import { Txn } from "./txn/txn.ts";
import { systemClock } from "./util/clock.ts";
import { refuseUnknown } from "./util/validate.ts";
import { Watcher } from "./watch/watcher.ts";
import { WatchHub } from "./watch/watch-hub.ts";
import type { WatchOptions } from "./watch/watch-options.ts";

export interface SessionOptions extends CallOptions {
  /** How long the lease outlives the last renewal, in whole seconds. etcd raises it to its minimum, 2 by default. @default 10 */
  readonly ttlSeconds?: number | undefined;
}

/**
 * A client of one etcd cluster. Making one does no I/O; connections come with the first call. Close it when done, or
 * use `await using`.
 */
export class EtcdClient {
  /** Grant, revoke and look at leases. */
  readonly leases: Leases;
  /** The deadline of a call that names none, in ms. */
  readonly timeoutMs: number;
  readonly #connection: Connection;
  readonly #keepAlive: KeepAlive;
  readonly #hub: WatchHub;
  readonly #sessions = new Set<Session>();
  readonly #opening = new Set<Promise<Session>>();
  #closed: Promise<void> | undefined;

  constructor(options: ClientOptions) {
    const resolved = resolveOptions(options);
    this.timeoutMs = resolved.timeoutMs;
    this.#connection = new Connection(resolved);
    this.#keepAlive = new KeepAlive(this.#connection, systemClock);
    this.#hub = new WatchHub(this.#connection);
    this.leases = new Leases(this.#connection);
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** Writes a key. Not sent again when its answer is lost: the error's `outcome` is then `unknown`. */
  async put(key: Bytes, value: Bytes, options: PutOptions = {}): Promise<PutResult> {
    return putResult(await this.#connection.unary(rpcs.put, putRequest(key, value, options), options));
  }

  /** Reads one key; undefined when it does not exist. */
  async get(key: Bytes, options: GetOptions = {}): Promise<KeyValue | undefined> {
    const request = getRequest(key, options);
    return getResult(await this.#connection.unary(readRpc(options), request, options));
  }

  /** Reads a range of keys in one answer. For many keys see {@link scan}. */
  async range(range: KeyRange, options: RangeOptions = {}): Promise<RangeResult> {
    const request = rangeRequest(range, options);
    return rangeResult(await this.#connection.unary(readRpc(options), request, options));
  }

  /** Reads a range of keys page by page, all of one revision, in the order of the keys. */
  scan(range: KeyRange, options: ScanOptions = {}): AsyncIterable<KeyValue> {
    checkScanOptions(range, options);
    return scan(this.#connection, range, options);
  }

  /** As {@link scan}, but gives whole pages, with the revision they are of. */
  pages(range: KeyRange, options: ScanOptions = {}): AsyncIterable<Page> {
    checkScanOptions(range, options);
    return pages(this.#connection, range, options);
  }

  /** Deletes a key or a range of keys. */
  async delete(range: KeyRange, options: DeleteOptions = {}): Promise<DeleteResult> {
    return deleteResult(
      await this.#connection.unary(rpcs.deleteRange, deleteRequest(range, options), options),
    );
  }

  /** Begins a transaction: `txn().if(…).then(…).else(…).commit()`. */
  txn(): Txn {
    return new Txn(this.#connection, { if: [], then: [], else: [] });
  }

  /** Grants a lease and keeps it alive until the session is closed or the lease is lost. */
  async openSession(options: SessionOptions = {}): Promise<Session> {
    refuseUnknown(options, ["ttlSeconds", ...CALL_OPTIONS], "openSession");
    const opening = this.#openSession(options);
    this.#opening.add(opening);
    try {
      return await opening;
    } finally {
      this.#opening.delete(opening);
    }
  }

  async #openSession({ ttlSeconds, ...callOptions }: SessionOptions): Promise<Session> {
    // Read before the grant is sent: the lease cannot have begun earlier.
    const grantedAt = systemClock.now();
    const lease = await this.leases.grant({ ttlSeconds: ttlOption(ttlSeconds, 10), ...callOptions });
    const session = new Session(
      {
        clock: systemClock,
        leases: this.leases,
        keepAlive: this.#keepAlive,
        onEnded: (ended) => void this.#sessions.delete(ended),
      },
      lease,
      grantedAt,
    );
    this.#sessions.add(session);
    return session;
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

  /** Ends everything that was begun with this client, revokes its sessions' leases and closes its connections. */
  async close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    // Sessions first, also those that are just being opened: revoking their leases needs the connection.
    await Promise.allSettled(this.#opening);
    await Promise.all([...this.#sessions].map(async (session) => session.close()));
    await this.#connection.close();
  }
}

function readRpc({ serializable }: { readonly serializable?: boolean | undefined }): typeof rpcs.range {
  return serializable === true ? rpcs.serializableRange : rpcs.range;
}
