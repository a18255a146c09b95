import { EtcdError } from "../errors/etcd-error.ts";
import type { Bytes } from "../kv/bytes.ts";
import { type DeleteOpOptions, deleteRequest, type DeleteResult, deleteResult } from "../kv/delete.ts";
import type { KeyRange } from "../kv/key-range.ts";
import type { KeyValue } from "../kv/key-value.ts";
import { type PutOpOptions, putRequest, type PutResult, putResult } from "../kv/put.ts";
import {
  type GetOpOptions,
  getRequest,
  getResult,
  type RangeOpOptions,
  rangeRequest,
  type RangeResult,
  rangeResult,
} from "../kv/range.ts";
import type { Op, TxnParts, TxnResult } from "./txn-types.ts";
import { txnRequest, txnResult } from "./txn-wire.ts";

/** Call options belong to the commit, so operations accept none. */
const NONE: readonly never[] = [];

function put(key: Bytes, value: Bytes, options: PutOpOptions = {}): Op<PutResult> {
  return {
    wire: { requestPut: putRequest(key, value, options, NONE) },
    readOnly: false,
    read: (response) => putResult(part(response.responsePut)),
  };
}

function get(key: Bytes, options: GetOpOptions = {}): Op<KeyValue | undefined> {
  return {
    wire: { requestRange: getRequest(key, options, NONE) },
    readOnly: true,
    read: (response) => getResult(part(response.responseRange)),
  };
}

function range(keys: KeyRange, options: RangeOpOptions = {}): Op<RangeResult> {
  return {
    wire: { requestRange: rangeRequest(keys, options, NONE) },
    readOnly: true,
    read: (response) => rangeResult(part(response.responseRange)),
  };
}

function remove(keys: KeyRange, options: DeleteOpOptions = {}): Op<DeleteResult> {
  return {
    wire: { requestDeleteRange: deleteRequest(keys, options, NONE) },
    readOnly: false,
    read: (response) => deleteResult(part(response.responseDeleteRange)),
  };
}

function txn<Then extends readonly Op[], Else extends readonly Op[]>(nested: {
  readonly parts: TxnParts<Then, Else>;
}): Op<TxnResult<Then, Else>> {
  const { parts } = nested;
  return {
    wire: { requestTxn: txnRequest(parts) },
    readOnly: [...parts.then, ...parts.else].every(({ readOnly }) => readOnly),
    read: (response, revision) => txnResult(parts, part(response.responseTxn), revision),
  };
}

/** The operations a transaction can have. */
export const op: {
  readonly put: typeof put;
  readonly get: typeof get;
  readonly range: typeof range;
  readonly delete: typeof remove;
  readonly txn: typeof txn;
} = { put, get, range, delete: remove, txn };

function part<T>(response: T | undefined | null): T {
  if (response === undefined || response === null) {
    throw new EtcdError("PROTOCOL", "a transaction's answer does not fit its operations");
  }
  return response;
}
