import type { Compare, RangeRequest, RequestOp, TxnRequest } from "@quorumkit/proto";
import { isReadOnly } from "../kv/txn.ts";

/** "From this key on", as a client is meant to write it. */
const open = Buffer.of(0);

interface Spanned {
  rangeEnd: Buffer;
}

/** Whether a field was sent, though it is empty: only then is it the decoded message's own. */
function isSentEmpty(message: Compare | RangeRequest): boolean {
  return Object.hasOwn(message, "rangeEnd") && message.rangeEnd.length === 0;
}

function openEnd(message: Compare | RangeRequest): void {
  if (isSentEmpty(message)) (message as Spanned).rangeEnd = open;
}

// etcd before 3.7 takes a `range_end` that was sent empty for no end at all, where one that was not sent means one key. It
// does so when it only reads: a write is encoded anew on its way, without empty fields.

export function openEndOfRange(request: RangeRequest): RangeRequest {
  openEnd(request);
  return request;
}

export function openEndsOfTxn(request: TxnRequest): TxnRequest {
  if (!isReadOnly(request)) return request;
  const { compare, success, failure } = request;
  for (const each of compare) openEnd(each);
  for (const { requestRange } of [...success, ...failure] as RequestOp[])
    if (requestRange) openEnd(requestRange);
  return request;
}
