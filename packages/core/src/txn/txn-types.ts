import type { RequestOpInput, ResponseOp } from "@quorumkit/proto";
import type { Compare } from "./compare.ts";

/** One operation of a transaction, and how its part of the answer is read. */
export interface Op<Result = unknown> {
  readonly wire: RequestOpInput;
  readonly readOnly: boolean;
  /** `revision` is the whole transaction's: what is in an answer of a part differs with etcd's versions. */
  read(response: ResponseOp, revision: bigint): Result;
}

/** The results of a list of operations, in the same order. */
export type OpResults<Ops extends readonly Op[]> = {
  readonly [Index in keyof Ops]: Ops[Index] extends Op<infer R> ? R : never;
};

/** A transaction's three lists. */
export interface TxnParts<Then extends readonly Op[], Else extends readonly Op[]> {
  readonly if: readonly Compare[];
  readonly then: Then;
  readonly else: Else;
}

/** What a transaction did: the results are those of the branch that ran, in the order of its operations. */
export type TxnResult<
  Then extends readonly Op[] = readonly Op[],
  Else extends readonly Op[] = readonly Op[],
> =
  | { readonly succeeded: true; readonly revision: bigint; readonly results: OpResults<Then> }
  | { readonly succeeded: false; readonly revision: bigint; readonly results: OpResults<Else> };
