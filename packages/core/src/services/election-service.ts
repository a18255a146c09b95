import type { LeaderKey } from "@quorumkit/proto";
import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import { type Bytes, toBytes, toKey } from "../kv/bytes.ts";
import { KeyValue, toKeyValue } from "../kv/key-value.ts";
import { printable } from "../kv/printable.ts";
import { leaseId, type LeaseRef } from "../kv/put.ts";
import { CALL_OPTIONS, type CallOptions, checkCallOptions } from "../transport/call-options.ts";
import type { Connection } from "../transport/connection.ts";
import * as rpcs from "../transport/rpcs.ts";
import { serverStream } from "../transport/server-stream.ts";
import { bigintOption, refuseUnknown } from "../util/validate.ts";
import { waitingCall, type WaitingCallOptions } from "./waiting-call.ts";

export interface ServiceCampaignOptions extends WaitingCallOptions {
  /**
   * The lease the leadership lives on, kept alive by the caller: a session's, say. Required: without one the server would
   * take a lease of 60 s that nobody renews.
   */
  readonly lease: LeaseRef;
}

/** One leadership, as the service's other calls want it. */
export interface ServiceLeadership {
  /** The election's name. */
  readonly name: Buffer;
  /** The leader's key. */
  readonly key: Buffer;
  /** Create revision of {@link key}: the fencing token. */
  readonly revision: bigint;
  readonly lease: bigint;
}

/**
 * The election service inside etcd (`v3election`), for elections shared with programs that use it. Second choice; the
 * `Election` of `@quorumkit/election` is the first and shares its keys with this one, since here
 *
 * - the leader is not told when it is deposed: its lease can run out, or its key be deleted, and nothing happens;
 * - after waiting the server does not look whether the caller's own key is still there, so it can say "elected" to a
 *   candidate whose lease is gone;
 * - {@link observe} never says that there is no leader, and may leave out leaders that came and went;
 * - a wait is one silent call, so a lost connection is a call whose outcome is unknown: the candidate may still be in the
 *   queue, and only ending the lease takes it out for certain.
 */
export class ElectionService {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Waits until the caller leads. A second campaign on the same lease is the same candidate, and changes its value. After
   * an `unknown` outcome, revoke the lease.
   */
  async campaign(name: Bytes, value: Bytes, options: ServiceCampaignOptions): Promise<ServiceLeadership> {
    refuseUnknown(options, ["lease", ...CALL_OPTIONS], "campaign");
    const request = {
      name: toKey(name, "name"),
      value: toBytes(value, "value"),
      lease: leaseId(options.lease),
    };
    const { leader } = await this.#connection.unary(rpcs.electionCampaign, request, waitingCall(options));
    if (leader === null) throw new EtcdError("PROTOCOL", "Campaign came back without the leader's key");
    return printable({ name: leader.name, key: leader.key, revision: leader.rev, lease: leader.lease });
  }

  /** Changes what observers see of the leader. `NOT_OWNER` when it does not lead any more. */
  async proclaim(leadership: ServiceLeadership, value: Bytes, options: CallOptions = {}): Promise<void> {
    refuseUnknown(options, CALL_OPTIONS, "proclaim");
    const request = { leader: toLeaderKey(leadership), value: toBytes(value, "value") };
    await this.#connection.unary(rpcs.electionProclaim, request, options);
  }

  /** Gives up a leadership. One that is over already is no error, and nobody else's is touched. */
  async resign(leadership: ServiceLeadership, options: CallOptions = {}): Promise<void> {
    refuseUnknown(options, CALL_OPTIONS, "resign");
    await this.#connection.unary(rpcs.electionResign, { leader: toLeaderKey(leadership) }, options);
  }

  /** The leader's key with its value; undefined when there is none. */
  async leader(name: Bytes, options: CallOptions = {}): Promise<KeyValue | undefined> {
    refuseUnknown(options, CALL_OPTIONS, "leader");
    const request = { name: toKey(name, "name") };
    try {
      return toKeyValue((await this.#connection.unary(rpcs.electionLeader, request, options)).kv);
    } catch (error) {
      if (isEtcdError(error, "NOT_FOUND")) return undefined;
      throw error;
    }
  }

  /**
   * The present leader, as soon as there is one, then every one that follows and every proclamation. Ends with an error
   * when the stream breaks; observing again begins with whoever leads by then. `timeoutMs` is for opening the stream.
   */
  observe(name: Bytes, options: CallOptions = {}): AsyncIterable<KeyValue> {
    refuseUnknown(options, CALL_OPTIONS, "observe");
    checkCallOptions(options);
    return this.#observed(toKey(name, "name"), options);
  }

  async *#observed(
    name: Uint8Array,
    { signal, timeoutMs }: CallOptions,
  ): AsyncGenerator<KeyValue, void, void> {
    const options: CallOptions = { signal, timeoutMs };
    for (let again = false; ; again = true) {
      let begun = false;
      for await (const { kv } of serverStream(this.#connection, rpcs.electionObserve, { name }, options)) {
        if (kv === null) continue;
        begun = true;
        yield new KeyValue(kv);
      }
      // The server ends an observation when its own watch was cut off, such as by a compaction, or its own read was refused.
      if (begun || again) throw new EtcdError("UNAVAILABLE", "the server ended the observation");
      // It never says why. This does, or mends it: it logs in again where the token has expired.
      await this.leader(name, options);
    }
  }
}

function toLeaderKey({ name, key, revision, lease }: ServiceLeadership): LeaderKey {
  return {
    name: Buffer.from(toKey(name, "leadership.name")),
    key: Buffer.from(toKey(key, "leadership.key")),
    rev: bigintOption(revision, "leadership.revision", 1n) ?? 0n,
    lease: leaseId(lease),
  };
}
