import { printable } from "../kv/printable.ts";
import { type LeaseRef, leaseId } from "../kv/put.ts";
import { CALL_OPTIONS, type CallOptions, timeoutOption } from "../transport/call-options.ts";
import type { Connection } from "../transport/connection.ts";
import * as rpcs from "../transport/rpcs.ts";
import { bigintOption, booleanOption, refuseUnknown, signalOption } from "../util/validate.ts";
import { grantNew } from "./grant.ts";
import { keepAliveOnce } from "./keep-alive-once.ts";
import { type Lease, leaseNotFound, newLeaseId, toLease, ttlOption } from "./lease.ts";
import { revokeLease } from "./revoke-lease.ts";

export interface GrantOptions extends CallOptions {
  /** How long the lease lives without renewal, in whole seconds. etcd raises it to its minimum, 2 by default. */
  readonly ttlSeconds: number;
  /**
   * The lease's id. Fails with `LEASE_EXISTS` when it is taken; where the outcome is `unknown` then, it may be this grant that
   * has taken it: it was sent again since its first answer was lost.
   *
   * @default a random one
   */
  readonly id?: bigint | undefined;
}

export interface TimeToLiveOptions extends CallOptions {
  /** Also give the keys that live on the lease. @default false */
  readonly keys?: boolean | undefined;
}

export interface TimeToLive {
  readonly id: bigint;
  /** What is left, in seconds. */
  readonly ttlSeconds: number;
  /** What was granted, in seconds. */
  readonly grantedTtlSeconds: number;
  /** The keys on the lease; empty unless asked for. */
  readonly keys: readonly Buffer[];
}

/** etcd's leases, one call each. For a lease that is kept alive see `EtcdClient.openSession`. */
export class Leases {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Grants a lease. Nobody renews it. */
  async grant(options: GrantOptions): Promise<Lease> {
    refuseUnknown(options, ["ttlSeconds", "id", ...CALL_OPTIONS], "grant");
    const ttlSeconds = ttlOption(options.ttlSeconds);
    const chosen = bigintOption(options.id, "id", 1n);
    if (chosen === undefined)
      return (await grantNew(this.#connection, { id: newLeaseId(), ttlSeconds }, options)).lease;
    const request = { ID: chosen, TTL: BigInt(ttlSeconds) };
    const granted = await this.#connection.unary(rpcs.leaseGrant, request, options);
    return toLease(chosen, granted.TTL);
  }

  /** Ends a lease at once and deletes its keys. A lease that is gone already is `LEASE_NOT_FOUND`. */
  async revoke(lease: LeaseRef, options: CallOptions = {}): Promise<void> {
    refuseUnknown(options, CALL_OPTIONS, "revoke");
    await revokeLease(this.#connection, leaseId(lease), options);
  }

  /** What is left of a lease; undefined when it does not exist. */
  async timeToLive(lease: LeaseRef, options: TimeToLiveOptions = {}): Promise<TimeToLive | undefined> {
    refuseUnknown(options, ["keys", ...CALL_OPTIONS], "timeToLive");
    const keys = booleanOption(options.keys, "keys");
    const id = leaseId(lease);
    const answer = await this.#connection.unary(rpcs.leaseTimeToLive, { ID: id, keys }, options);
    if (answer.TTL < 0n) return undefined;
    return printable({
      id,
      ttlSeconds: Number(answer.TTL),
      grantedTtlSeconds: Number(answer.grantedTTL),
      keys: answer.keys,
    });
  }

  /** The ids of all leases of the cluster. */
  async list(options: CallOptions = {}): Promise<readonly bigint[]> {
    refuseUnknown(options, CALL_OPTIONS, "list");
    const answer = await this.#connection.unary(rpcs.leaseLeases, {}, options);
    return printable(answer.leases.map(({ ID }) => ID));
  }

  /** Renews a lease once and gives its TTL in seconds; `LEASE_NOT_FOUND` when it is gone. */
  async keepAliveOnce(lease: LeaseRef, options: CallOptions = {}): Promise<number> {
    refuseUnknown(options, CALL_OPTIONS, "keepAliveOnce");
    signalOption(options.signal);
    const id = leaseId(lease);
    const timeoutMs = timeoutOption(options.timeoutMs, this.#connection.defaultTimeoutMs);
    const { ttlSeconds } = await keepAliveOnce(this.#connection, id, { signal: options.signal, timeoutMs });
    if (ttlSeconds <= 0) throw leaseNotFound(id);
    return ttlSeconds;
  }
}
