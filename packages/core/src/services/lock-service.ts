import { type Bytes, toKey } from "../kv/bytes.ts";
import { leaseId, type LeaseRef } from "../kv/put.ts";
import { CALL_OPTIONS, type CallOptions } from "../transport/call-options.ts";
import type { Connection } from "../transport/connection.ts";
import * as rpcs from "../transport/rpcs.ts";
import { refuseUnknown } from "../util/validate.ts";
import { waitingCall, type WaitingCallOptions } from "./waiting-call.ts";

export interface ServiceLockOptions extends WaitingCallOptions {
  /**
   * The lease the lock lives on, kept alive by the caller: a session's, say. Two calls with one lease are one owner,
   * and both get the lock. Required: without one the server would take a lease of 60 s that nobody renews.
   */
  readonly lease: LeaseRef;
}

/**
 * The lock service inside etcd (`v3lock`), for sharing locks with programs that use it, Java's and Rust's clients among
 * them. Second choice; `EtcdClient.lock` is the first and shares its keys with this one, since here
 *
 * - the caller is not told when it loses the lock: its lease can run out, or its key be deleted, and nothing happens;
 * - there is no fencing token: the answer has the key, but not its create revision;
 * - unlock deletes the key whoever holds it by then;
 * - a wait is one silent call, so a lost connection is a call whose outcome is unknown: the key may be in the queue,
 *   and only ending the lease takes it out for certain.
 */
export class LockService {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Waits for the lock and gives the key that stands for it. `LEASE_NOT_FOUND` when there is no such lease,
   * `LEASE_EXPIRED` when it ended while waiting. After an `unknown` outcome, revoke the lease.
   */
  async lock(name: Bytes, options: ServiceLockOptions): Promise<Buffer> {
    refuseUnknown(options, ["lease", ...CALL_OPTIONS], "lock");
    const request = { name: toKey(name, "name"), lease: leaseId(options.lease) };
    return (await this.#connection.unary(rpcs.lockServiceLock, request, waitingCall(options))).key;
  }

  /** Deletes the key that {@link lock} gave, and with it the lock. A key that is not there is no error. */
  async unlock(key: Bytes, options: CallOptions = {}): Promise<void> {
    refuseUnknown(options, CALL_OPTIONS, "unlock");
    await this.#connection.unary(rpcs.lockServiceUnlock, { key: toKey(key) }, options);
  }
}
