// Generated from proto/**/*.proto by scripts/generate.mjs. Do not edit.

import type { ResponseHeader, ResponseHeaderInput } from "../etcdserverpb/header.ts";
import type { Event, EventInput } from "../mvccpb/kv.ts";

export interface WatchRequest {
  /** Names the member that is set; absent when none is. */
  readonly requestUnion?: "createRequest" | "cancelRequest" | "progressRequest";
  readonly createRequest?: WatchCreateRequest;
  readonly cancelRequest?: WatchCancelRequest;
  readonly progressRequest?: WatchProgressRequest;
}

/** {@link WatchRequest} to be encoded. */
export interface WatchRequestInput {
  createRequest?: WatchCreateRequestInput | null | undefined;
  cancelRequest?: WatchCancelRequestInput | null | undefined;
  progressRequest?: WatchProgressRequestInput | null | undefined;
}

export const WatchFilterType = {
  NOPUT: 0,
  NODELETE: 1,
} as const;
export type WatchFilterType = (typeof WatchFilterType)[keyof typeof WatchFilterType];

export interface WatchCreateRequest {
  readonly key: Buffer;
  /** As in RangeRequest.rangeEnd. */
  readonly rangeEnd: Buffer;
  /** First revision to report; 0: from now on. */
  readonly startRevision: bigint;
  /** Send an empty answer from time to time when there are no events. */
  readonly progressNotify: boolean;
  /** Kinds of events the server leaves out. */
  readonly filters: WatchFilterType[];
  /** Events carry the key as it was before. */
  readonly prevKv: boolean;
  /** Id chosen by the client; 0: the server chooses. One in use on the stream is refused. */
  readonly watchId: bigint;
  /** Allow the server to split one revision's events over several answers. */
  readonly fragment: boolean;
}

/** {@link WatchCreateRequest} to be encoded. */
export interface WatchCreateRequestInput {
  key?: Uint8Array | undefined;
  rangeEnd?: Uint8Array | undefined;
  startRevision?: bigint | undefined;
  progressNotify?: boolean | undefined;
  filters?: readonly WatchFilterType[] | undefined;
  prevKv?: boolean | undefined;
  watchId?: bigint | undefined;
  fragment?: boolean | undefined;
}

export interface WatchCancelRequest {
  readonly watchId: bigint;
}

/** {@link WatchCancelRequest} to be encoded. */
export interface WatchCancelRequestInput {
  watchId?: bigint | undefined;
}

/** Asks for the revision up to which everything has been sent, for all watches of the stream. */
export type WatchProgressRequest = Readonly<Record<string, never>>;

export type WatchProgressRequestInput = Readonly<Record<string, never>>;

export interface WatchResponse {
  readonly header: ResponseHeader | null;
  /** The watch it belongs to; -1: no single one (answer to a progress request, or to a refused create). */
  readonly watchId: bigint;
  /** Answers a create request; answers come in the order of the requests. */
  readonly created: boolean;
  /** The watch has ended; nothing follows for it. */
  readonly canceled: boolean;
  /** Not 0: the watch ended because it would start before this revision, the oldest that is left. */
  readonly compactRevision: bigint;
  readonly cancelReason: string;
  /** More of the same events follows in the next answer. */
  readonly fragment: boolean;
  readonly events: Event[];
}

/** {@link WatchResponse} to be encoded. */
export interface WatchResponseInput {
  header?: ResponseHeaderInput | null | undefined;
  watchId?: bigint | undefined;
  created?: boolean | undefined;
  canceled?: boolean | undefined;
  compactRevision?: bigint | undefined;
  cancelReason?: string | undefined;
  fragment?: boolean | undefined;
  events?: readonly EventInput[] | undefined;
}
