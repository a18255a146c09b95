import type { RangeRequestInput, Rpcs, WatchCreateRequestInput } from "@quorumkit/proto";
import type { Sketch } from "../resolve.ts";

type RequestOf<Method> = Method extends { readonly requestSerialize: (value: infer Request) => Buffer }
  ? Request
  : never;

/** The calls with one request and one answer that sequences are made of. */
export interface UnaryCalls {
  readonly range: Rpcs["kv"]["range"];
  readonly put: Rpcs["kv"]["put"];
  readonly deleteRange: Rpcs["kv"]["deleteRange"];
  readonly txn: Rpcs["kv"]["txn"];
  readonly compact: Rpcs["kv"]["compact"];
  readonly leaseGrant: Rpcs["lease"]["leaseGrant"];
  readonly leaseRevoke: Rpcs["lease"]["leaseRevoke"];
  readonly leaseTimeToLive: Rpcs["lease"]["leaseTimeToLive"];
  readonly leaseLeases: Rpcs["lease"]["leaseLeases"];
}

export type UnaryStep = {
  readonly [Name in keyof UnaryCalls]: {
    readonly call: Name;
    readonly request: Sketch<RequestOf<UnaryCalls[Name]>>;
  };
}[keyof UnaryCalls];

/** What is sent on one of the sequence's watch streams. */
export type WatchStep = { readonly stream: number } & (
  | { readonly create: Sketch<WatchCreateRequestInput> }
  | { readonly cancel: bigint }
  | { readonly progress: true }
  /** A request with nothing in it. */
  | { readonly empty: true }
);

export type WireStep =
  | UnaryStep
  | WatchStep
  | { readonly rangeStream: Sketch<RangeRequestInput> }
  /** One keep-alive stream with these requests. */
  | { readonly keepAlive: readonly Sketch<bigint>[] }
  /** A lease too short to be left alone: granted, looked at and revoked at once. */
  | { readonly shortLease: bigint; readonly ttl: bigint }
  /** Waits until all watches have delivered everything, and compares it. */
  | { readonly settle: true };
