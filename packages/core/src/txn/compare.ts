import { type CompareInput, CompareResult, CompareTarget } from "@quorumkit/proto";
import { type Bytes, toBytes } from "../kv/bytes.ts";
import { type KeyRange, toWireRange } from "../kv/key-range.ts";
import { type LeaseRef, leaseId } from "../kv/put.ts";
import { describe, MAX_INT64 } from "../util/validate.ts";

/** One condition of a transaction. */
export interface Compare {
  readonly wire: CompareInput;
}

/** The four ways to compare. */
export interface Comparison<Value> {
  equals(value: Value): Compare;
  notEquals(value: Value): Compare;
  greaterThan(value: Value): Compare;
  lessThan(value: Value): Compare;
}

/** What of a key can be compared. A key that does not exist compares as all zeros, and as unequal to any value. */
export interface CompareBuilder {
  /** 0n means that the key does not exist. */
  readonly version: Comparison<bigint>;
  readonly createRevision: Comparison<bigint>;
  readonly modRevision: Comparison<bigint>;
  readonly value: Comparison<Bytes>;
  /** 0n means that the key is on no lease. */
  readonly lease: Comparison<LeaseRef>;
}

/**
 * Begins a condition: `compare("a").version.equals(0n)`. Over a range the condition must hold for every key in it;
 * an empty range compares as one key that does not exist.
 */
export function compare(range: KeyRange): CompareBuilder {
  const wire = toWireRange(range);
  const by = <Value>(target: CompareTarget, operand: (value: Value) => CompareInput): Comparison<Value> => {
    const make = (result: CompareResult) => (value: Value) => ({
      wire: { ...wire, target, result, ...operand(value) },
    });
    return {
      equals: make(CompareResult.EQUAL),
      notEquals: make(CompareResult.NOT_EQUAL),
      greaterThan: make(CompareResult.GREATER),
      lessThan: make(CompareResult.LESS),
    };
  };
  return {
    version: by(CompareTarget.VERSION, (value) => ({ version: revision(value, "version") })),
    createRevision: by(CompareTarget.CREATE, (value) => ({
      createRevision: revision(value, "createRevision"),
    })),
    modRevision: by(CompareTarget.MOD, (value) => ({ modRevision: revision(value, "modRevision") })),
    value: by(CompareTarget.VALUE, (value: Bytes) => ({ value: toBytes(value, "value") })),
    lease: by(CompareTarget.LEASE, (value: LeaseRef) => ({ lease: value === 0n ? 0n : leaseId(value) })),
  };
}

function revision(value: unknown, name: string): bigint {
  if (typeof value !== "bigint" || value < 0n || value > MAX_INT64)
    throw new TypeError(
      `${name} must be a bigint between 0n and 2n ** 63n - 1n, received ${describe(value)}`,
    );
  return value;
}
