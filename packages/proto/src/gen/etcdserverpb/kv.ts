// Generated from proto/**/*.proto by scripts/generate.mjs. Do not edit.

import type { ResponseHeader, ResponseHeaderInput } from "../etcdserverpb/header.ts";
import type { KeyValue, KeyValueInput } from "../mvccpb/kv.ts";

export const SortOrder = {
  NONE: 0,
  ASCEND: 1,
  DESCEND: 2,
} as const;
export type SortOrder = (typeof SortOrder)[keyof typeof SortOrder];

export const SortTarget = {
  KEY: 0,
  VERSION: 1,
  CREATE: 2,
  MOD: 3,
  VALUE: 4,
} as const;
export type SortTarget = (typeof SortTarget)[keyof typeof SortTarget];

export interface RangeRequest {
  /** First key. The one byte 0 means: from the smallest key on. */
  readonly key: Buffer;
  /** First key no longer in the range. Empty: only `key`. The one byte 0: all keys from `key` on. */
  readonly rangeEnd: Buffer;
  /** Most keys to answer; 0: no limit. */
  readonly limit: bigint;
  /** Read as of this revision; 0: the newest. A compacted one is answered with OUT_OF_RANGE. */
  readonly revision: bigint;
  readonly sortOrder: SortOrder;
  readonly sortTarget: SortTarget;
  /** Read this member's own state, which may lag behind, without asking the quorum. */
  readonly serializable: boolean;
  /** Leave out the values. */
  readonly keysOnly: boolean;
  /** Answer only the count. */
  readonly countOnly: boolean;
  /** The four bounds are inclusive; 0: no bound. */
  readonly minModRevision: bigint;
  readonly maxModRevision: bigint;
  readonly minCreateRevision: bigint;
  readonly maxCreateRevision: bigint;
}

/** {@link RangeRequest} to be encoded. */
export interface RangeRequestInput {
  key?: Uint8Array | undefined;
  rangeEnd?: Uint8Array | undefined;
  limit?: bigint | undefined;
  revision?: bigint | undefined;
  sortOrder?: SortOrder | undefined;
  sortTarget?: SortTarget | undefined;
  serializable?: boolean | undefined;
  keysOnly?: boolean | undefined;
  countOnly?: boolean | undefined;
  minModRevision?: bigint | undefined;
  maxModRevision?: bigint | undefined;
  minCreateRevision?: bigint | undefined;
  maxCreateRevision?: bigint | undefined;
}

export interface RangeResponse {
  readonly header: ResponseHeader | null;
  /** Empty when only the count was asked for. */
  readonly kvs: KeyValue[];
  /** The limit cut the list: there are more keys in the range. */
  readonly more: boolean;
  /** Keys in the range, whatever the limit. */
  readonly count: bigint;
}

/** {@link RangeResponse} to be encoded. */
export interface RangeResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  kvs?: readonly KeyValueInput[] | undefined;
  more?: boolean | undefined;
  count?: bigint | undefined;
}

/** One piece of a streamed range. */
export interface RangeStreamResponse {
  readonly rangeResponse: RangeResponse | null;
}

/** {@link RangeStreamResponse} to be encoded. */
export interface RangeStreamResponseInput {
  rangeResponse?: RangeResponseInput | null | undefined;
}

export interface PutRequest {
  readonly key: Buffer;
  readonly value: Buffer;
  /** Lease to attach the key to; 0: none, which also detaches the key from the lease it had. */
  readonly lease: bigint;
  /** Answer the key as it was before. */
  readonly prevKv: boolean;
  /** Keep the present value. Refused when the key does not exist. */
  readonly ignoreValue: boolean;
  /** Keep the present lease. Refused when the key does not exist. */
  readonly ignoreLease: boolean;
}

/** {@link PutRequest} to be encoded. */
export interface PutRequestInput {
  key?: Uint8Array | undefined;
  value?: Uint8Array | undefined;
  lease?: bigint | undefined;
  prevKv?: boolean | undefined;
  ignoreValue?: boolean | undefined;
  ignoreLease?: boolean | undefined;
}

export interface PutResponse {
  readonly header: ResponseHeader | null;
  readonly prevKv: KeyValue | null;
}

/** {@link PutResponse} to be encoded. */
export interface PutResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  prevKv?: KeyValueInput | null | undefined;
}

export interface DeleteRangeRequest {
  readonly key: Buffer;
  /** As in RangeRequest.rangeEnd. */
  readonly rangeEnd: Buffer;
  /** Answer the deleted keys. */
  readonly prevKv: boolean;
}

/** {@link DeleteRangeRequest} to be encoded. */
export interface DeleteRangeRequestInput {
  key?: Uint8Array | undefined;
  rangeEnd?: Uint8Array | undefined;
  prevKv?: boolean | undefined;
}

export interface DeleteRangeResponse {
  readonly header: ResponseHeader | null;
  /** Number of keys deleted. */
  readonly deleted: bigint;
  readonly prevKvs: KeyValue[];
}

/** {@link DeleteRangeResponse} to be encoded. */
export interface DeleteRangeResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  deleted?: bigint | undefined;
  prevKvs?: readonly KeyValueInput[] | undefined;
}

export interface RequestOp {
  /** Names the member that is set; absent when none is. */
  readonly request?: "requestRange" | "requestPut" | "requestDeleteRange" | "requestTxn";
  readonly requestRange?: RangeRequest;
  readonly requestPut?: PutRequest;
  readonly requestDeleteRange?: DeleteRangeRequest;
  readonly requestTxn?: TxnRequest;
}

/** {@link RequestOp} to be encoded. */
export interface RequestOpInput {
  requestRange?: RangeRequestInput | null | undefined;
  requestPut?: PutRequestInput | null | undefined;
  requestDeleteRange?: DeleteRangeRequestInput | null | undefined;
  requestTxn?: TxnRequestInput | null | undefined;
}

export interface ResponseOp {
  /** Names the member that is set; absent when none is. */
  readonly response?: "responseRange" | "responsePut" | "responseDeleteRange" | "responseTxn";
  readonly responseRange?: RangeResponse;
  readonly responsePut?: PutResponse;
  readonly responseDeleteRange?: DeleteRangeResponse;
  readonly responseTxn?: TxnResponse;
}

/** {@link ResponseOp} to be encoded. */
export interface ResponseOpInput {
  responseRange?: RangeResponseInput | null | undefined;
  responsePut?: PutResponseInput | null | undefined;
  responseDeleteRange?: DeleteRangeResponseInput | null | undefined;
  responseTxn?: TxnResponseInput | null | undefined;
}

export const CompareResult = {
  EQUAL: 0,
  GREATER: 1,
  LESS: 2,
  NOT_EQUAL: 3,
} as const;
export type CompareResult = (typeof CompareResult)[keyof typeof CompareResult];

export const CompareTarget = {
  VERSION: 0,
  CREATE: 1,
  MOD: 2,
  VALUE: 3,
  LEASE: 4,
} as const;
export type CompareTarget = (typeof CompareTarget)[keyof typeof CompareTarget];

/** True when the key's `target` stands in relation `result` to the given operand. */
export interface Compare {
  /** Names the member that is set; absent when none is. */
  readonly targetUnion?: "version" | "createRevision" | "modRevision" | "value" | "lease";
  readonly result: CompareResult;
  readonly target: CompareTarget;
  readonly key: Buffer;
  readonly version?: bigint;
  readonly createRevision?: bigint;
  readonly modRevision?: bigint;
  readonly value?: Buffer;
  readonly lease?: bigint;
  /** With a range the compare must hold for every key in it. As in RangeRequest.rangeEnd. */
  readonly rangeEnd: Buffer;
}

/** {@link Compare} to be encoded. */
export interface CompareInput {
  result?: CompareResult | undefined;
  target?: CompareTarget | undefined;
  key?: Uint8Array | undefined;
  version?: bigint | undefined;
  createRevision?: bigint | undefined;
  modRevision?: bigint | undefined;
  value?: Uint8Array | undefined;
  lease?: bigint | undefined;
  rangeEnd?: Uint8Array | undefined;
}

export interface TxnRequest {
  /** All must hold; an empty list holds. */
  readonly compare: Compare[];
  readonly success: RequestOp[];
  readonly failure: RequestOp[];
}

/** {@link TxnRequest} to be encoded. */
export interface TxnRequestInput {
  compare?: readonly CompareInput[] | undefined;
  success?: readonly RequestOpInput[] | undefined;
  failure?: readonly RequestOpInput[] | undefined;
}

export interface TxnResponse {
  readonly header: ResponseHeader | null;
  /** Which list was applied. */
  readonly succeeded: boolean;
  /** One per operation of the applied list, in its order. */
  readonly responses: ResponseOp[];
}

/** {@link TxnResponse} to be encoded. */
export interface TxnResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  succeeded?: boolean | undefined;
  responses?: readonly ResponseOpInput[] | undefined;
}

export interface CompactionRequest {
  readonly revision: bigint;
  /** Answer only once the old revisions are gone from the member's backend too. */
  readonly physical: boolean;
}

/** {@link CompactionRequest} to be encoded. */
export interface CompactionRequestInput {
  revision?: bigint | undefined;
  physical?: boolean | undefined;
}

export interface CompactionResponse {
  readonly header: ResponseHeader | null;
}

/** {@link CompactionResponse} to be encoded. */
export interface CompactionResponseInput {
  header?: ResponseHeaderInput | null | undefined;
}
