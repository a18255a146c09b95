import { DowngradeAction } from "@quorumkit/proto";
import { headerOf } from "../kv/header.ts";
import { printable } from "../kv/printable.ts";
import { CALL_OPTIONS, type CallOptions, checkCallOptions } from "../transport/call-options.ts";
import type { Connection, UnaryOptions } from "../transport/connection.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import * as rpcs from "../transport/rpcs.ts";
import { bigintOption, describe, refuseUnknown } from "../util/validate.ts";
import { type Alarm, disarm, type DisarmOptions, listAlarms } from "./alarms.ts";
import { type MemberStatus, toMemberStatus } from "./member-status.ts";
import { moveLeader } from "./move-leader.ts";
import { Snapshot } from "./snapshot.ts";
import { type SnapshotFile, type SnapshotProgress, writeSnapshotFile } from "./snapshot-file.ts";

export interface MemberCallOptions extends CallOptions {
  /** The member to ask: one of the client's endpoints. No other one is asked in its place. @default any */
  readonly endpoint?: string | undefined;
}

export interface DefragmentOptions extends CallOptions {
  /** The member to defragment: one of the client's endpoints. */
  readonly endpoint: string;
  /**
   * How long it may take, in ms; it rewrites the whole database.
   *
   * @default 60000
   */
  readonly timeoutMs?: number | undefined;
}

export interface HashKVOptions extends MemberCallOptions {
  /** Of the keys up to this revision. @default the newest the member has */
  readonly revision?: bigint | undefined;
}

export interface SnapshotOptions extends CallOptions {
  /** The member whose database is taken: one of the client's endpoints. @default any */
  readonly endpoint?: string | undefined;
  /** How long each piece may take, in ms. @default the client's `timeoutMs` */
  readonly timeoutMs?: number | undefined;
}

export interface SnapshotToFileOptions extends SnapshotOptions {
  /** Called after each piece. */
  readonly onProgress?: ((progress: SnapshotProgress) => void) | undefined;
}

export interface MemberHash {
  readonly memberId: bigint;
  readonly hash: number;
}

export interface MemberHashKV extends MemberHash {
  /**
   * Compare only hashes with the same compact revision: it is part of what is hashed. Undefined where nothing has been
   * compacted yet.
   */
  readonly compactRevision: bigint | undefined;
  /** The revision hashed up to; undefined where the server does not tell it (before 3.6). */
  readonly hashRevision: bigint | undefined;
}

/**
 * What an operator does. Status, hashes, snapshot and defragment are about the one member asked, named by its endpoint;
 * alarms, the leader and downgrades are the whole cluster's. Behind a proxy or load balancer an endpoint is no member,
 * and these calls mean little.
 */
export class Maintenance {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** What a member says of itself. Works without a quorum. */
  async status(options: MemberCallOptions = {}): Promise<MemberStatus> {
    refuseUnknown(options, ["endpoint", ...CALL_OPTIONS], "status");
    return toMemberStatus(await this.#connection.unary(rpcs.status, {}, this.#atMember(options)));
  }

  /**
   * Rewrites a member's database without its free pages. The member answers nothing meanwhile, so do one after the
   * other, and the leader last.
   */
  async defragment(options: DefragmentOptions): Promise<void> {
    refuseUnknown(options, ["endpoint", ...CALL_OPTIONS], "defragment");
    // Not any member: it blocks the one it meets.
    const endpoint = this.#connection.endpointAt(options.endpoint);
    const { signal, timeoutMs = 60_000 } = options;
    await this.#connection.unary(rpcs.defragment, {}, { signal, timeoutMs, endpoint });
  }

  /** Hash of a member's whole database file, for etcd's own tests; members differ. See {@link hashKV}. */
  async hash(options: MemberCallOptions = {}): Promise<MemberHash> {
    refuseUnknown(options, ["endpoint", ...CALL_OPTIONS], "hash");
    const response = await this.#connection.unary(rpcs.hash, {}, this.#atMember(options));
    return printable({ memberId: headerOf(response).memberId, hash: response.hash });
  }

  /** Hash of a member's keys up to a revision. Members with the same data, and the same compaction, give the same. */
  async hashKV(options: HashKVOptions = {}): Promise<MemberHashKV> {
    refuseUnknown(options, ["endpoint", "revision", ...CALL_OPTIONS], "hashKV");
    const revision = bigintOption(options.revision, "revision", 1n) ?? 0n;
    const response = await this.#connection.unary(rpcs.hashKV, { revision }, this.#atMember(options));
    return printable({
      memberId: headerOf(response).memberId,
      hash: response.hash,
      // -1 before the first compaction.
      compactRevision: response.compactRevision < 0n ? undefined : response.compactRevision,
      hashRevision: response.hashRevision === 0n ? undefined : response.hashRevision,
    });
  }

  /** The alarms raised in the cluster. */
  async alarms(options: CallOptions = {}): Promise<readonly Alarm[]> {
    refuseUnknown(options, CALL_OPTIONS, "alarms");
    return listAlarms(this.#connection, options);
  }

  /** Takes alarms back, all or those chosen, and gives them. A cause that is still there raises them again. */
  async disarm(options: DisarmOptions = {}): Promise<readonly Alarm[]> {
    return disarm(this.#connection, options);
  }

  /**
   * Makes another member the leader. Only the leader can do that, so one of the client's endpoints must be its;
   * otherwise this is `FAILED_PRECONDITION`.
   */
  async moveLeader(to: bigint, options: CallOptions = {}): Promise<void> {
    await moveLeader(this.#connection, to, options);
  }

  /** Whether the cluster can be downgraded to this version, such as `3.5`. Gives the cluster's version. From etcd 3.5 on. */
  async downgradeValidate(version: string, options: CallOptions = {}): Promise<string> {
    return this.#downgrade("downgradeValidate", DowngradeAction.VALIDATE, versionText(version), options);
  }

  /**
   * Begins a downgrade: the members may then be replaced, one after the other. Gives the cluster's version. etcd 3.5
   * begins it, and ends it, but never answers: there the outcome is `unknown`, and {@link downgradeValidate} refuses with
   * `FAILED_PRECONDITION` while one is under way.
   */
  async downgradeEnable(version: string, options: CallOptions = {}): Promise<string> {
    return this.#downgrade("downgradeEnable", DowngradeAction.ENABLE, versionText(version), options);
  }

  /** Ends a downgrade. Where there is none 3.5 says `FAILED_PRECONDITION`. Gives the cluster's version. */
  async downgradeCancel(options: CallOptions = {}): Promise<string> {
    return this.#downgrade("downgradeCancel", DowngradeAction.CANCEL, "", options);
  }

  /** A member's whole database, as it comes. The stream is opened when reading begins. */
  snapshot(options: SnapshotOptions = {}): Snapshot {
    refuseUnknown(options, ["endpoint", ...CALL_OPTIONS], "snapshot");
    return this.#snapshot(options);
  }

  /**
   * Writes a member's whole database to a file, for `etcdutl snapshot restore`. It is written beside it, as
   * `<path>.<random>.part`, its checksum is verified, and only then it gets its name, replacing what was there. Of several
   * to one path the last one to end stays. File errors come as Node gives them.
   */
  async snapshotToFile(path: string, options: SnapshotToFileOptions = {}): Promise<SnapshotFile> {
    refuseUnknown(options, ["endpoint", "onProgress", ...CALL_OPTIONS], "snapshotToFile");
    if (typeof path !== "string" || path === "")
      throw new TypeError(`path must be a non-empty string, received ${describe(path)}`);
    const { onProgress } = options;
    if (onProgress !== undefined && typeof onProgress !== "function")
      throw new TypeError(`onProgress must be a function, received ${describe(onProgress)}`);
    return writeSnapshotFile(this.#snapshot(options), path, onProgress);
  }

  #snapshot(options: SnapshotOptions): Snapshot {
    checkCallOptions(options);
    const { signal, timeoutMs, endpoint } = options;
    return new Snapshot(this.#connection, { signal, timeoutMs, endpoint: this.#chosen(endpoint) });
  }

  async #downgrade(
    name: string,
    action: DowngradeAction,
    version: string,
    options: CallOptions,
  ): Promise<string> {
    refuseUnknown(options, CALL_OPTIONS, name);
    const rpc = action === DowngradeAction.VALIDATE ? rpcs.downgradeValidate : rpcs.downgrade;
    return (await this.#connection.unary(rpc, { action, version }, options)).version;
  }

  #atMember({ endpoint, signal, timeoutMs }: MemberCallOptions): UnaryOptions {
    return { signal, timeoutMs, endpoint: this.#chosen(endpoint) };
  }

  #chosen(endpoint: string | undefined): Endpoint | undefined {
    return endpoint === undefined ? undefined : this.#connection.endpointAt(endpoint);
  }
}

function versionText(version: string): string {
  if (typeof version !== "string" || !/^\d+\.\d+(\.\d+)?$/.test(version))
    throw new TypeError(`version must be like "3.5", received ${describe(version)}`);
  return version;
}
