import type { DeleteRangeRequestInput, DeleteRangeResponse } from "@quorumkit/proto";
import { CALL_OPTIONS, type CallOptions } from "../transport/call-options.ts";
import { booleanOption, refuseUnknown } from "../util/validate.ts";
import { revisionOf } from "./header.ts";
import { type KeyRange, toWireRange } from "./key-range.ts";
import { KeyValue } from "./key-value.ts";
import { printable } from "./printable.ts";

export interface DeleteOpOptions {
  /** Also give the keys as they were before. @default false */
  readonly prevKv?: boolean | undefined;
}

export interface DeleteOptions extends DeleteOpOptions, CallOptions {}

export interface DeleteResult {
  /** The store's revision after the delete; unchanged where no key matched. */
  readonly revision: bigint;
  /** How many keys were deleted. */
  readonly deleted: bigint;
  /** The deleted keys, where `prevKv` was asked for. */
  readonly prevKvs: readonly KeyValue[];
}

export function deleteRequest(
  range: KeyRange,
  options: DeleteOptions,
  extra: readonly string[] = CALL_OPTIONS,
): DeleteRangeRequestInput {
  refuseUnknown(options, ["prevKv", ...extra], "delete");
  return { ...toWireRange(range), prevKv: booleanOption(options.prevKv, "prevKv") };
}

export function deleteResult(response: DeleteRangeResponse): DeleteResult {
  return printable({
    revision: revisionOf(response),
    deleted: response.deleted,
    prevKvs: response.prevKvs.map((each) => new KeyValue(each)),
  });
}
