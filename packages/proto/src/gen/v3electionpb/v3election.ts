// Generated from proto/**/*.proto by scripts/generate.mjs. Do not edit.

import type { ResponseHeader, ResponseHeaderInput } from "../etcdserverpb/header.ts";
import type { KeyValue, KeyValueInput } from "../mvccpb/kv.ts";

export interface CampaignRequest {
  readonly name: Buffer;
  /** Leadership lasts no longer than this lease. */
  readonly lease: bigint;
  /** What observers see when the caller leads. */
  readonly value: Buffer;
}

/** {@link CampaignRequest} to be encoded. */
export interface CampaignRequestInput {
  name?: Uint8Array | undefined;
  lease?: bigint | undefined;
  value?: Uint8Array | undefined;
}

export interface CampaignResponse {
  readonly header: ResponseHeader | null;
  readonly leader: LeaderKey | null;
}

/** {@link CampaignResponse} to be encoded. */
export interface CampaignResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  leader?: LeaderKeyInput | null | undefined;
}

/** Stands for one leadership. */
export interface LeaderKey {
  /** The election. */
  readonly name: Buffer;
  readonly key: Buffer;
  /** Create revision of `key`. As long as it is the same, so is the leadership. */
  readonly rev: bigint;
  readonly lease: bigint;
}

/** {@link LeaderKey} to be encoded. */
export interface LeaderKeyInput {
  name?: Uint8Array | undefined;
  key?: Uint8Array | undefined;
  rev?: bigint | undefined;
  lease?: bigint | undefined;
}

export interface LeaderRequest {
  readonly name: Buffer;
}

/** {@link LeaderRequest} to be encoded. */
export interface LeaderRequestInput {
  name?: Uint8Array | undefined;
}

export interface LeaderResponse {
  readonly header: ResponseHeader | null;
  readonly kv: KeyValue | null;
}

/** {@link LeaderResponse} to be encoded. */
export interface LeaderResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  kv?: KeyValueInput | null | undefined;
}

export interface ResignRequest {
  readonly leader: LeaderKey | null;
}

/** {@link ResignRequest} to be encoded. */
export interface ResignRequestInput {
  leader?: LeaderKeyInput | null | undefined;
}

export interface ResignResponse {
  readonly header: ResponseHeader | null;
}

/** {@link ResignResponse} to be encoded. */
export interface ResignResponseInput {
  header?: ResponseHeaderInput | null | undefined;
}

export interface ProclaimRequest {
  readonly leader: LeaderKey | null;
  readonly value: Buffer;
}

/** {@link ProclaimRequest} to be encoded. */
export interface ProclaimRequestInput {
  leader?: LeaderKeyInput | null | undefined;
  value?: Uint8Array | undefined;
}

export interface ProclaimResponse {
  readonly header: ResponseHeader | null;
}

/** {@link ProclaimResponse} to be encoded. */
export interface ProclaimResponseInput {
  header?: ResponseHeaderInput | null | undefined;
}
