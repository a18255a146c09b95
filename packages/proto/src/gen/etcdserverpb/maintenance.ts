// Generated from proto/**/*.proto by scripts/generate.mjs. Do not edit.

import type { ResponseHeader, ResponseHeaderInput } from "../etcdserverpb/header.ts";

export const AlarmType = {
  NONE: 0,
  NOSPACE: 1,
  CORRUPT: 2,
} as const;
export type AlarmType = (typeof AlarmType)[keyof typeof AlarmType];

export const AlarmAction = {
  GET: 0,
  ACTIVATE: 1,
  DEACTIVATE: 2,
} as const;
export type AlarmAction = (typeof AlarmAction)[keyof typeof AlarmAction];

export interface AlarmRequest {
  readonly action: AlarmAction;
  /** 0: all members. */
  readonly memberID: bigint;
  readonly alarm: AlarmType;
}

/** {@link AlarmRequest} to be encoded. */
export interface AlarmRequestInput {
  action?: AlarmAction | undefined;
  memberID?: bigint | undefined;
  alarm?: AlarmType | undefined;
}

export interface AlarmMember {
  readonly memberID: bigint;
  readonly alarm: AlarmType;
}

/** {@link AlarmMember} to be encoded. */
export interface AlarmMemberInput {
  memberID?: bigint | undefined;
  alarm?: AlarmType | undefined;
}

export interface AlarmResponse {
  readonly header: ResponseHeader | null;
  readonly alarms: AlarmMember[];
}

/** {@link AlarmResponse} to be encoded. */
export interface AlarmResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  alarms?: readonly AlarmMemberInput[] | undefined;
}

export type StatusRequest = Readonly<Record<string, never>>;

export type StatusRequestInput = Readonly<Record<string, never>>;

export interface StatusResponse {
  readonly header: ResponseHeader | null;
  /** The member's etcd version. */
  readonly version: string;
  /** Bytes allocated for the backend. */
  readonly dbSize: bigint;
  /** Member id of the Raft leader as this member sees it; 0: it sees none. */
  readonly leader: bigint;
  /** Last committed index. */
  readonly raftIndex: bigint;
  readonly raftTerm: bigint;
  readonly raftAppliedIndex: bigint;
  readonly errors: string[];
  /** Bytes of the backend in use. */
  readonly dbSizeInUse: bigint;
  readonly isLearner: boolean;
  /** From etcd 3.6 on, as are the two below. */
  readonly storageVersion: string;
  readonly dbSizeQuota: bigint;
  readonly downgradeInfo: DowngradeInfo | null;
}

/** {@link StatusResponse} to be encoded. */
export interface StatusResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  version?: string | undefined;
  dbSize?: bigint | undefined;
  leader?: bigint | undefined;
  raftIndex?: bigint | undefined;
  raftTerm?: bigint | undefined;
  raftAppliedIndex?: bigint | undefined;
  errors?: readonly string[] | undefined;
  dbSizeInUse?: bigint | undefined;
  isLearner?: boolean | undefined;
  storageVersion?: string | undefined;
  dbSizeQuota?: bigint | undefined;
  downgradeInfo?: DowngradeInfoInput | null | undefined;
}

export interface DowngradeInfo {
  readonly enabled: boolean;
  readonly targetVersion: string;
}

/** {@link DowngradeInfo} to be encoded. */
export interface DowngradeInfoInput {
  enabled?: boolean | undefined;
  targetVersion?: string | undefined;
}

export type DefragmentRequest = Readonly<Record<string, never>>;

export type DefragmentRequestInput = Readonly<Record<string, never>>;

export interface DefragmentResponse {
  readonly header: ResponseHeader | null;
}

/** {@link DefragmentResponse} to be encoded. */
export interface DefragmentResponseInput {
  header?: ResponseHeaderInput | null | undefined;
}

export type HashRequest = Readonly<Record<string, never>>;

export type HashRequestInput = Readonly<Record<string, never>>;

export interface HashResponse {
  readonly header: ResponseHeader | null;
  readonly hash: number;
}

/** {@link HashResponse} to be encoded. */
export interface HashResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  hash?: number | undefined;
}

export interface HashKVRequest {
  /** 0: the newest. */
  readonly revision: bigint;
}

/** {@link HashKVRequest} to be encoded. */
export interface HashKVRequestInput {
  revision?: bigint | undefined;
}

export interface HashKVResponse {
  readonly header: ResponseHeader | null;
  readonly hash: number;
  /** The compacted revision the hash starts from. */
  readonly compactRevision: bigint;
  /** The revision the hash reaches to. From etcd 3.6 on. */
  readonly hashRevision: bigint;
}

/** {@link HashKVResponse} to be encoded. */
export interface HashKVResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  hash?: number | undefined;
  compactRevision?: bigint | undefined;
  hashRevision?: bigint | undefined;
}

export type SnapshotRequest = Readonly<Record<string, never>>;

export type SnapshotRequestInput = Readonly<Record<string, never>>;

export interface SnapshotResponse {
  /** In the first answer only. */
  readonly header: ResponseHeader | null;
  /** Bytes still to come after this piece. */
  readonly remainingBytes: bigint;
  readonly blob: Buffer;
  /** etcd version of the member. From etcd 3.6 on. */
  readonly version: string;
}

/** {@link SnapshotResponse} to be encoded. */
export interface SnapshotResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  remainingBytes?: bigint | undefined;
  blob?: Uint8Array | undefined;
  version?: string | undefined;
}

export interface MoveLeaderRequest {
  readonly targetID: bigint;
}

/** {@link MoveLeaderRequest} to be encoded. */
export interface MoveLeaderRequestInput {
  targetID?: bigint | undefined;
}

export interface MoveLeaderResponse {
  readonly header: ResponseHeader | null;
}

/** {@link MoveLeaderResponse} to be encoded. */
export interface MoveLeaderResponseInput {
  header?: ResponseHeaderInput | null | undefined;
}

export const DowngradeAction = {
  VALIDATE: 0,
  ENABLE: 1,
  CANCEL: 2,
} as const;
export type DowngradeAction = (typeof DowngradeAction)[keyof typeof DowngradeAction];

export interface DowngradeRequest {
  readonly action: DowngradeAction;
  readonly version: string;
}

/** {@link DowngradeRequest} to be encoded. */
export interface DowngradeRequestInput {
  action?: DowngradeAction | undefined;
  version?: string | undefined;
}

export interface DowngradeResponse {
  readonly header: ResponseHeader | null;
  /** The cluster's version now. */
  readonly version: string;
}

/** {@link DowngradeResponse} to be encoded. */
export interface DowngradeResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  version?: string | undefined;
}
