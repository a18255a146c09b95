import type { PutRequestInput, PutResponse } from "@quorumkit/proto";
import { CALL_OPTIONS, type CallOptions } from "../transport/call-options.ts";
import { booleanOption, describe, isEmpty, MAX_INT64, refuseUnknown } from "../util/validate.ts";
import { type Bytes, toBytes, toKey } from "./bytes.ts";
import { revisionOf } from "./header.ts";
import { type KeyValue, toKeyValue } from "./key-value.ts";
import { printable } from "./printable.ts";

/** A lease by its id, or anything that has one: a granted lease, or a session. */
export type LeaseRef = bigint | { readonly id: bigint } | { readonly leaseId: bigint };

export interface PutOpOptions {
  /** The lease the key shall live on. @default none: the key stays until it is deleted */
  readonly lease?: LeaseRef | undefined;
  /** Also give the key as it was before. @default false */
  readonly prevKv?: boolean | undefined;
  /** Keep the key's value and change only its lease; `value` must be empty and the key must exist. @default false */
  readonly ignoreValue?: boolean | undefined;
  /** Keep the key's lease; `lease` must be absent and the key must exist. @default false */
  readonly ignoreLease?: boolean | undefined;
}

export interface PutOptions extends PutOpOptions, CallOptions {}

/** A write of one key, checked. */
export interface PutRequest extends PutRequestInput {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface PutResult {
  /** The revision of this write. */
  readonly revision: bigint;
  /** The key as it was, where `prevKv` was asked for and it existed. */
  readonly prevKv: KeyValue | undefined;
}

const OPTIONS: readonly (keyof PutOpOptions)[] = ["lease", "prevKv", "ignoreValue", "ignoreLease"];

export function putRequest(
  key: Bytes,
  value: Bytes,
  options: PutOptions,
  extra: readonly string[] = CALL_OPTIONS,
): PutRequest {
  if (isEmpty(options)) return { key: toKey(key), value: toBytes(value, "value") };
  refuseUnknown(options, [...OPTIONS, ...extra], "put");
  const ignoreValue = booleanOption(options.ignoreValue, "ignoreValue");
  const ignoreLease = booleanOption(options.ignoreLease, "ignoreLease");
  const bytes = toBytes(value, "value");
  if (ignoreValue && bytes.length > 0) throw new TypeError("value must be empty with ignoreValue");
  if (ignoreLease && options.lease !== undefined)
    throw new TypeError("lease must be absent with ignoreLease");
  return {
    key: toKey(key),
    value: bytes,
    lease: options.lease === undefined ? 0n : leaseId(options.lease),
    prevKv: booleanOption(options.prevKv, "prevKv"),
    ignoreValue,
    ignoreLease,
  };
}

export function putResult(response: PutResponse): PutResult {
  return printable({ revision: revisionOf(response), prevKv: toKeyValue(response.prevKv) });
}

/** The id behind a {@link LeaseRef}; refuses 0n, which etcd would read as "no lease". */
export function leaseId(lease: LeaseRef): bigint {
  const id = typeof lease !== "object" || lease === null ? lease : "id" in lease ? lease.id : lease.leaseId;
  if (typeof id !== "bigint" || id <= 0n || id > MAX_INT64)
    throw new TypeError(`lease must be a lease or its id, received ${describe(lease)}`);
  return id;
}
