// Generated from proto/**/*.proto by scripts/generate.mjs. Do not edit.

import type { ResponseHeader, ResponseHeaderInput } from "../etcdserverpb/header.ts";

export interface LeaseGrantRequest {
  /** Wish, in seconds. */
  readonly TTL: bigint;
  /** Id chosen by the client; 0: the server chooses. */
  readonly ID: bigint;
}

/** {@link LeaseGrantRequest} to be encoded. */
export interface LeaseGrantRequestInput {
  TTL?: bigint | undefined;
  ID?: bigint | undefined;
}

export interface LeaseGrantResponse {
  readonly header: ResponseHeader | null;
  readonly ID: bigint;
  /** What the server granted, in seconds; it may be more than the wish. */
  readonly TTL: bigint;
  readonly error: string;
}

/** {@link LeaseGrantResponse} to be encoded. */
export interface LeaseGrantResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  ID?: bigint | undefined;
  TTL?: bigint | undefined;
  error?: string | undefined;
}

export interface LeaseRevokeRequest {
  readonly ID: bigint;
}

/** {@link LeaseRevokeRequest} to be encoded. */
export interface LeaseRevokeRequestInput {
  ID?: bigint | undefined;
}

export interface LeaseRevokeResponse {
  readonly header: ResponseHeader | null;
}

/** {@link LeaseRevokeResponse} to be encoded. */
export interface LeaseRevokeResponseInput {
  header?: ResponseHeaderInput | null | undefined;
}

export interface LeaseKeepAliveRequest {
  readonly ID: bigint;
}

/** {@link LeaseKeepAliveRequest} to be encoded. */
export interface LeaseKeepAliveRequestInput {
  ID?: bigint | undefined;
}

export interface LeaseKeepAliveResponse {
  readonly header: ResponseHeader | null;
  readonly ID: bigint;
  /** Seconds from the moment the server renewed it; 0: the lease is gone. */
  readonly TTL: bigint;
}

/** {@link LeaseKeepAliveResponse} to be encoded. */
export interface LeaseKeepAliveResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  ID?: bigint | undefined;
  TTL?: bigint | undefined;
}

export interface LeaseTimeToLiveRequest {
  readonly ID: bigint;
  /** Answer the attached keys as well. */
  readonly keys: boolean;
}

/** {@link LeaseTimeToLiveRequest} to be encoded. */
export interface LeaseTimeToLiveRequestInput {
  ID?: bigint | undefined;
  keys?: boolean | undefined;
}

export interface LeaseTimeToLiveResponse {
  readonly header: ResponseHeader | null;
  readonly ID: bigint;
  /** Seconds left; -1: there is no such lease. */
  readonly TTL: bigint;
  readonly grantedTTL: bigint;
  readonly keys: Buffer[];
}

/** {@link LeaseTimeToLiveResponse} to be encoded. */
export interface LeaseTimeToLiveResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  ID?: bigint | undefined;
  TTL?: bigint | undefined;
  grantedTTL?: bigint | undefined;
  keys?: readonly Uint8Array[] | undefined;
}

export type LeaseLeasesRequest = Readonly<Record<string, never>>;

export type LeaseLeasesRequestInput = Readonly<Record<string, never>>;

export interface LeaseStatus {
  readonly ID: bigint;
}

/** {@link LeaseStatus} to be encoded. */
export interface LeaseStatusInput {
  ID?: bigint | undefined;
}

export interface LeaseLeasesResponse {
  readonly header: ResponseHeader | null;
  readonly leases: LeaseStatus[];
}

/** {@link LeaseLeasesResponse} to be encoded. */
export interface LeaseLeasesResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  leases?: readonly LeaseStatusInput[] | undefined;
}
