// Generated from proto/**/*.proto by scripts/generate.mjs. Do not edit.

import type { ResponseHeader, ResponseHeaderInput } from "../etcdserverpb/header.ts";

export interface Member {
  readonly ID: bigint;
  /** Empty until the member has started for the first time. */
  readonly name: string;
  readonly peerURLs: string[];
  /** Empty until the member has started for the first time. */
  readonly clientURLs: string[];
  /** Receives the log but does not vote. */
  readonly isLearner: boolean;
}

/** {@link Member} to be encoded. */
export interface MemberInput {
  ID?: bigint | undefined;
  name?: string | undefined;
  peerURLs?: readonly string[] | undefined;
  clientURLs?: readonly string[] | undefined;
  isLearner?: boolean | undefined;
}

export interface MemberAddRequest {
  readonly peerURLs: string[];
  readonly isLearner: boolean;
}

/** {@link MemberAddRequest} to be encoded. */
export interface MemberAddRequestInput {
  peerURLs?: readonly string[] | undefined;
  isLearner?: boolean | undefined;
}

export interface MemberAddResponse {
  readonly header: ResponseHeader | null;
  readonly member: Member | null;
  readonly members: Member[];
}

/** {@link MemberAddResponse} to be encoded. */
export interface MemberAddResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  member?: MemberInput | null | undefined;
  members?: readonly MemberInput[] | undefined;
}

export interface MemberRemoveRequest {
  readonly ID: bigint;
}

/** {@link MemberRemoveRequest} to be encoded. */
export interface MemberRemoveRequestInput {
  ID?: bigint | undefined;
}

export interface MemberRemoveResponse {
  readonly header: ResponseHeader | null;
  readonly members: Member[];
}

/** {@link MemberRemoveResponse} to be encoded. */
export interface MemberRemoveResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  members?: readonly MemberInput[] | undefined;
}

export interface MemberUpdateRequest {
  readonly ID: bigint;
  readonly peerURLs: string[];
}

/** {@link MemberUpdateRequest} to be encoded. */
export interface MemberUpdateRequestInput {
  ID?: bigint | undefined;
  peerURLs?: readonly string[] | undefined;
}

export interface MemberUpdateResponse {
  readonly header: ResponseHeader | null;
  readonly members: Member[];
}

/** {@link MemberUpdateResponse} to be encoded. */
export interface MemberUpdateResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  members?: readonly MemberInput[] | undefined;
}

export interface MemberListRequest {
  /** Ask the quorum. Without it the member answers what it knows itself. */
  readonly linearizable: boolean;
}

/** {@link MemberListRequest} to be encoded. */
export interface MemberListRequestInput {
  linearizable?: boolean | undefined;
}

export interface MemberListResponse {
  readonly header: ResponseHeader | null;
  readonly members: Member[];
}

/** {@link MemberListResponse} to be encoded. */
export interface MemberListResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  members?: readonly MemberInput[] | undefined;
}

export interface MemberPromoteRequest {
  readonly ID: bigint;
}

/** {@link MemberPromoteRequest} to be encoded. */
export interface MemberPromoteRequestInput {
  ID?: bigint | undefined;
}

export interface MemberPromoteResponse {
  readonly header: ResponseHeader | null;
  readonly members: Member[];
}

/** {@link MemberPromoteResponse} to be encoded. */
export interface MemberPromoteResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  members?: readonly MemberInput[] | undefined;
}
