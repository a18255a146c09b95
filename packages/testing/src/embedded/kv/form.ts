import type { DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest } from "@quorumkit/proto";
import { errors } from "../errors.ts";
import { checkOverlaps } from "./overlaps.ts";

const lastSortOrder = 2;
const lastSortTarget = 4;

// What is wrong with a request whatever the store holds. Source: etcd, server/etcdserver/api/v3rpc/key.go.

export function checkRange(request: RangeRequest): void {
  if (request.key.length === 0) throw errors.emptyKey();
  // etcd before 3.6 does not look, and some of these make it panic.
  if (request.sortOrder < 0 || request.sortOrder > lastSortOrder) throw errors.invalidSortOption();
  if (request.sortTarget < 0 || request.sortTarget > lastSortTarget) throw errors.invalidSortOption();
}

export function checkPut(request: PutRequest): void {
  if (request.key.length === 0) throw errors.emptyKey();
  if (request.ignoreValue && request.value.length > 0) throw errors.valueProvided();
  if (request.ignoreLease && request.lease !== 0n) throw errors.leaseProvided();
}

export function checkDelete(request: DeleteRangeRequest): void {
  if (request.key.length === 0) throw errors.emptyKey();
}

/** @param maxOps Most compares, and most operations of either branch, a nested transaction's counted in. */
export function checkTxn(request: TxnRequest, maxOps: number): void {
  checkOps(request, maxOps);
  checkOverlaps(request.success);
  checkOverlaps(request.failure);
}

function checkOps({ compare, success, failure }: TxnRequest, maxOps: number): void {
  const size = Math.max(compare.length, success.length, failure.length);
  if (size > maxOps) throw errors.tooManyOps();
  for (const { key } of compare) if (key.length === 0) throw errors.emptyKey();
  // What a level uses is missing on the level below it.
  for (const op of success) checkOp(op, maxOps - size);
  for (const op of failure) checkOp(op, maxOps - size);
}

function checkOp(
  { requestRange, requestPut, requestDeleteRange, requestTxn }: RequestOp,
  maxOps: number,
): void {
  if (requestRange) checkRange(requestRange);
  else if (requestPut) checkPut(requestPut);
  else if (requestDeleteRange) checkDelete(requestDeleteRange);
  else if (requestTxn) checkOps(requestTxn, maxOps);
  else throw errors.keyNotFound();
}
