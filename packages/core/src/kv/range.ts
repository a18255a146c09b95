import { type RangeRequestInput, type RangeResponse, SortOrder, SortTarget } from "@quorumkit/proto";
import { CALL_OPTIONS, type CallOptions } from "../transport/call-options.ts";
import {
  bigintOption,
  booleanOption,
  describe,
  isEmpty,
  numberOption,
  refuseUnknown,
} from "../util/validate.ts";
import { revisionOf } from "./header.ts";
import { type KeyRange, toWireRange } from "./key-range.ts";
import { KeyValue } from "./key-value.ts";
import { printable } from "./printable.ts";

const SORT_TARGETS = {
  key: SortTarget.KEY,
  version: SortTarget.VERSION,
  createRevision: SortTarget.CREATE,
  modRevision: SortTarget.MOD,
  value: SortTarget.VALUE,
} as const;

const SORT_ORDERS = { ascending: SortOrder.ASCEND, descending: SortOrder.DESCEND } as const;

export interface Sort {
  readonly by: "key" | "version" | "createRevision" | "modRevision" | "value";
  readonly order: "ascending" | "descending";
}

export interface GetOpOptions {
  /** Read the store as it was at this revision. Fails with `COMPACTED` when it is gone. @default the newest */
  readonly revision?: bigint | undefined;
  /** Be content with what the asked member has, which may be old; faster, and works without a quorum. @default false */
  readonly serializable?: boolean | undefined;
  /** Give keys without their values. @default false */
  readonly keysOnly?: boolean | undefined;
}

export interface RangeOpOptions extends GetOpOptions {
  /** At most so many keys; `more` then tells whether there are others. @default no limit */
  readonly limit?: number | undefined;
  /** The order of the keys. With `limit` it decides which keys those are. @default by key, ascending */
  readonly sort?: Sort | undefined;
  /** Give the count and no keys. @default false */
  readonly countOnly?: boolean | undefined;
  /** Leave out keys last changed before this revision. */
  readonly minModRevision?: bigint | undefined;
  /** Leave out keys last changed after this revision. */
  readonly maxModRevision?: bigint | undefined;
  /** Leave out keys created before this revision. */
  readonly minCreateRevision?: bigint | undefined;
  /** Leave out keys created after this revision. */
  readonly maxCreateRevision?: bigint | undefined;
}

export interface GetOptions extends GetOpOptions, CallOptions {}
export interface RangeOptions extends RangeOpOptions, CallOptions {}

/** A read of one key, checked. */
export interface GetRequest extends RangeRequestInput {
  readonly key: Uint8Array;
}

export interface RangeResult {
  /** The store's revision when it was read: what is newer than this answer has a higher one. */
  readonly revision: bigint;
  readonly kvs: readonly KeyValue[];
  /** How many keys the range has; `limit` does not count, nor do the revision filters. */
  readonly count: bigint;
  /** Whether `limit` cut the answer. */
  readonly more: boolean;
}

const GET_OPTIONS: readonly (keyof GetOpOptions)[] = ["revision", "serializable", "keysOnly"];
const RANGE_OPTIONS: readonly (keyof RangeOpOptions)[] = [
  ...GET_OPTIONS,
  "limit",
  "sort",
  "countOnly",
  "minModRevision",
  "maxModRevision",
  "minCreateRevision",
  "maxCreateRevision",
];

export function getRequest(
  key: KeyRange,
  options: GetOptions,
  extra: readonly string[] = CALL_OPTIONS,
): GetRequest {
  const wire = toWireRange(key);
  if (wire.rangeEnd !== undefined) throw new TypeError("get takes one key; use range for several");
  if (isEmpty(options)) return wire;
  refuseUnknown(options, [...GET_OPTIONS, ...extra], "get");
  return { ...wire, ...readOptions(options) };
}

export function rangeRequest(
  range: KeyRange,
  options: RangeOptions,
  extra: readonly string[] = CALL_OPTIONS,
): RangeRequestInput {
  refuseUnknown(options, [...RANGE_OPTIONS, ...extra], "range");
  return {
    ...toWireRange(range),
    ...readOptions(options),
    ...sortOptions(options.sort),
    limit: BigInt(numberOption(options.limit, "limit", { min: 0, integer: true, fallback: 0 })),
    countOnly: booleanOption(options.countOnly, "countOnly"),
    minModRevision: bigintOption(options.minModRevision, "minModRevision"),
    maxModRevision: bigintOption(options.maxModRevision, "maxModRevision"),
    minCreateRevision: bigintOption(options.minCreateRevision, "minCreateRevision"),
    maxCreateRevision: bigintOption(options.maxCreateRevision, "maxCreateRevision"),
  };
}

export function getResult(response: RangeResponse): KeyValue | undefined {
  const [first] = response.kvs;
  return first === undefined ? undefined : new KeyValue(first);
}

export function rangeResult(response: RangeResponse): RangeResult {
  return printable({
    revision: revisionOf(response),
    kvs: response.kvs.map((each) => new KeyValue(each)),
    count: response.count,
    more: response.more,
  });
}

function readOptions(options: GetOpOptions): Omit<RangeRequestInput, "key"> {
  return {
    revision: bigintOption(options.revision, "revision"),
    serializable: booleanOption(options.serializable, "serializable"),
    keysOnly: booleanOption(options.keysOnly, "keysOnly"),
  };
}

function sortOptions(sort: Sort | undefined): RangeRequestInput {
  if (sort === undefined) return {};
  refuseUnknown(sort, ["by", "order"], "sort");
  if (!Object.hasOwn(SORT_TARGETS, sort.by))
    throw new TypeError(
      `sort.by must be one of ${Object.keys(SORT_TARGETS).join(", ")}, received ${describe(sort.by)}`,
    );
  if (!Object.hasOwn(SORT_ORDERS, sort.order))
    throw new TypeError(`sort.order must be ascending or descending, received ${describe(sort.order)}`);
  const sortTarget = SORT_TARGETS[sort.by];
  const sortOrder = SORT_ORDERS[sort.order];
  // Ascending by key is the order keys are stored in. Asked for, the server would read all keys before it cuts to the limit.
  if (sortTarget === SortTarget.KEY && sortOrder === SortOrder.ASCEND) return {};
  return { sortTarget, sortOrder };
}
