import type { RangeRequestInput } from "@quorumkit/proto";
import { CALL_OPTIONS, type CallOptions } from "../transport/call-options.ts";
import type { Connection } from "../transport/connection.ts";
import * as rpcs from "../transport/rpcs.ts";
import { bigintOption, booleanOption, numberOption, refuseUnknown } from "../util/validate.ts";
import { revisionOf } from "./header.ts";
import { type KeyRange, keyAfter, toWireRange } from "./key-range.ts";
import { KeyValue } from "./key-value.ts";

export interface ScanOptions extends CallOptions {
  /** Keys per request. @default 1000 */
  readonly pageSize?: number | undefined;
  /** Read the store as it was at this revision. @default the newest when the first page is read */
  readonly revision?: bigint | undefined;
  /** Give keys without their values. @default false */
  readonly keysOnly?: boolean | undefined;
}

const SCAN_OPTIONS: readonly string[] = ["pageSize", "revision", "keysOnly", ...CALL_OPTIONS];

/** A part of a scan. */
export interface Page {
  /** The one revision all pages are of. */
  readonly revision: bigint;
  readonly kvs: readonly KeyValue[];
}

/**
 * The keys of a range in order, page by page, all of one revision. `timeoutMs` is each page's. Fails with `COMPACTED`
 * when that revision is compacted before the end. A range without keys has one empty page.
 */
export async function* pages(
  connection: Connection,
  range: KeyRange,
  options: ScanOptions = {},
): AsyncGenerator<Page> {
  const { rangeEnd, key } = toWireRange(range);
  const limit = numberOption(options.pageSize, "pageSize", { min: 1, integer: true, fallback: 1000 });
  const keysOnly = booleanOption(options.keysOnly, "keysOnly");
  let revision = bigintOption(options.revision, "revision") ?? 0n;
  let start = key;
  for (;;) {
    const request: RangeRequestInput = { key: start, rangeEnd, limit: BigInt(limit), revision, keysOnly };
    const response = await connection.unary(rpcs.range, request, options);
    // The first page fixes the revision of all.
    if (revision === 0n) revision = revisionOf(response);
    const kvs = response.kvs.map((each) => new KeyValue(each));
    yield { revision, kvs };
    const last = kvs.at(-1);
    if (!response.more || last === undefined) return;
    start = keyAfter(last.keyBytes);
  }
}

export async function* scan(
  connection: Connection,
  range: KeyRange,
  options: ScanOptions,
): AsyncGenerator<KeyValue> {
  for await (const page of pages(connection, range, options)) yield* page.kvs;
}

/** Refuses wrong options before anything is read. */
export function checkScanOptions(range: KeyRange, options: ScanOptions): void {
  refuseUnknown(options, SCAN_OPTIONS, "scan");
  toWireRange(range);
}
