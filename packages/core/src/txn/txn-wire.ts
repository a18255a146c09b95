import type { RequestOpInput, TxnRequestInput, TxnResponse } from "@quorumkit/proto";
import { EtcdError } from "../errors/etcd-error.ts";
import { printable } from "../kv/printable.ts";
import type { Compare } from "./compare.ts";
import type { Op, OpResults, TxnParts, TxnResult } from "./txn-types.ts";

export function txnRequest(parts: TxnParts<readonly Op[], readonly Op[]>): TxnRequestInput {
  return {
    compare: parts.if.map(({ wire }) => wire),
    success: parts.then.map(({ wire }) => wire),
    failure: isEmpty(parts) ? linearizingRead(parts.if) : parts.else.map(({ wire }) => wire),
  };
}

function isEmpty(parts: TxnParts<readonly Op[], readonly Op[]>): boolean {
  return parts.then.length === 0 && parts.else.length === 0;
}

/**
 * etcd answers a transaction without any operation from what the asked member has, which may be old
 * (`etcdserver/txn`, isTxnSerializable). One read in it makes the answer as true as any other.
 */
function linearizingRead(conditions: readonly Compare[]): RequestOpInput[] {
  return conditions.slice(0, 1).map(({ wire }) => ({ requestRange: { key: wire.key, countOnly: true } }));
}

export function txnResult<Then extends readonly Op[], Else extends readonly Op[]>(
  parts: TxnParts<Then, Else>,
  response: TxnResponse,
  revision: bigint,
): TxnResult<Then, Else> {
  const { succeeded } = response;
  const ops: readonly Op[] = succeeded ? parts.then : parts.else;
  if (isEmpty(parts))
    return printable({ succeeded, revision, results: [] as unknown as OpResults<Then & Else> });
  if (ops.length !== response.responses.length) {
    throw new EtcdError(
      "PROTOCOL",
      `a transaction of ${ops.length} operations got ${response.responses.length} answers`,
    );
  }
  const results = response.responses.map((each, index) => ops[index]?.read(each, revision));
  return succeeded
    ? printable({ succeeded, revision, results: results as unknown as OpResults<Then> })
    : printable({ succeeded, revision, results: results as unknown as OpResults<Else> });
}
