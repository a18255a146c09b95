import { services } from "@quorumkit/proto";
import type { DeleteRangeRequest, PutRequest, RequestOp, TxnRequest } from "@quorumkit/proto";

/**
 * What etcd adds to a write before it measures it: a header with the request's id (14 bytes), and the field's tag.
 * The length of the request comes on top. Source: InternalRaftRequest in etcd's raft_internal.proto.
 */
const wrapping = 15;

/** More than all fields of one operation or compare need, besides its keys and values. */
const opOverhead = 64;

/** A size that a request surely does not exceed, without encoding it. */
function bound(...parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, opOverhead);
}

function boundOfOp({ requestRange, requestPut, requestDeleteRange, requestTxn }: RequestOp): number {
  if (requestPut) return bound(requestPut.key, requestPut.value);
  if (requestTxn) return boundOfTxn(requestTxn);
  const span = requestRange ?? requestDeleteRange;
  // A range has more numbers than any other operation.
  return span ? bound(span.key, span.rangeEnd) + opOverhead : opOverhead;
}

function boundOfTxn({ compare, success, failure }: TxnRequest): number {
  let sum = opOverhead;
  for (const { key, rangeEnd, value } of compare) sum += bound(key, rangeEnd, value ?? Buffer.alloc(0));
  for (const op of success) sum += boundOfOp(op);
  for (const op of failure) sum += boundOfOp(op);
  return sum;
}

function lengthOfVarint(value: number): number {
  let length = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) length += 1;
  return length;
}

function wrapped({ length }: Uint8Array): number {
  return wrapping + lengthOfVarint(length) + length;
}

const { kv } = services;

// Whether a write is larger than etcd passes on. Most are far from it, so they are encoded only near the limit.

export function isPutTooLarge(request: PutRequest, limit: number): boolean {
  return bound(request.key, request.value) > limit && wrapped(kv.put.requestSerialize(request)) > limit;
}

export function isDeleteTooLarge(request: DeleteRangeRequest, limit: number): boolean {
  return (
    bound(request.key, request.rangeEnd) > limit && wrapped(kv.deleteRange.requestSerialize(request)) > limit
  );
}

export function isTxnTooLarge(request: TxnRequest, limit: number): boolean {
  return boundOfTxn(request) > limit && wrapped(kv.txn.requestSerialize(request)) > limit;
}
