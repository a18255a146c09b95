import type { TxnRequestInput, TxnResponse } from "@quorumkit/proto";
import { EtcdError } from "../errors/etcd-error.ts";
import { revisionOf } from "../kv/header.ts";
import type { Compare } from "./compare.ts";
import type { Op, OpResults } from "./op.ts";
import type { TxnResult } from "./txn.ts";

/** A transaction's three lists. */
export interface TxnParts<Then extends readonly Op[], Else extends readonly Op[]> {
  readonly if: readonly Compare[];
  readonly then: Then;
  readonly else: Else;
}

export function txnRequest(parts: TxnParts<readonly Op[], readonly Op[]>): TxnRequestInput {
  return {
    compare: parts.if.map(({ wire }) => wire),
    success: parts.then.map(({ wire }) => wire),
    failure: parts.else.map(({ wire }) => wire),
  };
}

export function txnResult<Then extends readonly Op[], Else extends readonly Op[]>(
  parts: TxnParts<Then, Else>,
  response: TxnResponse,
): TxnResult<Then, Else> {
  // A nested transaction's answer has no header of its own in all etcd versions.
  const revision = response.header === null ? 0n : revisionOf(response);
  const { succeeded } = response;
  const ops: readonly Op[] = succeeded ? parts.then : parts.else;
  if (ops.length !== response.responses.length) {
    throw new EtcdError(
      "PROTOCOL",
      `a transaction of ${ops.length} operations got ${response.responses.length} answers`,
    );
  }
  const results = response.responses.map((each, index) => ops[index]?.read(each));
  return succeeded
    ? { succeeded, revision, results: results as unknown as OpResults<Then> }
    : { succeeded, revision, results: results as unknown as OpResults<Else> };
}
