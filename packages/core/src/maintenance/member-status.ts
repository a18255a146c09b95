import type { StatusResponse } from "@quorumkit/proto";
import { headerOf } from "../kv/header.ts";
import { printable } from "../kv/printable.ts";

/** What one member says of itself. Sizes are in bytes. */
export interface MemberStatus {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  /** The version of its etcd, such as `3.5.30`. */
  readonly version: string;
  /** The store's revision as this member knows it. */
  readonly revision: bigint;
  /** The leader's member id as this member sees it; undefined while it sees none. */
  readonly leader: bigint | undefined;
  /** Whether it leads itself. */
  readonly isLeader: boolean;
  readonly isLearner: boolean;
  readonly raftTerm: bigint;
  /** Index of the last entry it knows to be committed. */
  readonly raftIndex: bigint;
  /** Index of the last entry it has applied; far behind {@link raftIndex} it is overloaded. */
  readonly raftAppliedIndex: bigint;
  /** Size of its database file. */
  readonly dbSize: bigint;
  /** How much of that holds data; the rest is what defragment gives back. */
  readonly dbSizeInUse: bigint;
  /** The database quota; undefined where the server does not tell it (before 3.6). */
  readonly dbSizeQuota: bigint | undefined;
  /** Version of the storage format; undefined where the server does not tell it (before 3.6). */
  readonly storageVersion: string | undefined;
  /** The version a downgrade under way goes to; undefined when there is none, or the server does not tell (before 3.6). */
  readonly downgradeTarget: string | undefined;
  /** Alarms and the like, in the server's words. */
  readonly errors: readonly string[];
}

export function toMemberStatus(response: StatusResponse): MemberStatus {
  const { clusterId, memberId, revision } = headerOf(response);
  const { leader, downgradeInfo } = response;
  return printable({
    clusterId,
    memberId,
    version: response.version,
    revision,
    leader: leader === 0n ? undefined : leader,
    isLeader: leader === memberId,
    isLearner: response.isLearner,
    raftTerm: response.raftTerm,
    raftIndex: response.raftIndex,
    raftAppliedIndex: response.raftAppliedIndex,
    dbSize: response.dbSize,
    dbSizeInUse: response.dbSizeInUse,
    dbSizeQuota: response.dbSizeQuota === 0n ? undefined : response.dbSizeQuota,
    storageVersion: response.storageVersion === "" ? undefined : response.storageVersion,
    downgradeTarget: downgradeInfo?.enabled === true ? downgradeInfo.targetVersion : undefined,
    errors: response.errors,
  });
}
