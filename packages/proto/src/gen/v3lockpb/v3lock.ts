// Generated from proto/**/*.proto by scripts/generate.mjs. Do not edit.

import type { ResponseHeader, ResponseHeaderInput } from "../etcdserverpb/header.ts";

export interface LockRequest {
  readonly name: Buffer;
  /** The lock is held as long as this lease lives. */
  readonly lease: bigint;
}

/** {@link LockRequest} to be encoded. */
export interface LockRequestInput {
  name?: Uint8Array | undefined;
  lease?: bigint | undefined;
}

export interface LockResponse {
  readonly header: ResponseHeader | null;
  /** The key that exists while the lock is held. */
  readonly key: Buffer;
}

/** {@link LockResponse} to be encoded. */
export interface LockResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  key?: Uint8Array | undefined;
}

export interface UnlockRequest {
  /** From LockResponse. */
  readonly key: Buffer;
}

/** {@link UnlockRequest} to be encoded. */
export interface UnlockRequestInput {
  key?: Uint8Array | undefined;
}

export interface UnlockResponse {
  readonly header: ResponseHeader | null;
}

/** {@link UnlockResponse} to be encoded. */
export interface UnlockResponseInput {
  header?: ResponseHeaderInput | null | undefined;
}
