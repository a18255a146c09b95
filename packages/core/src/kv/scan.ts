import type { RangeRequestInput, RangeResponse } from "@quorumkit/proto";
import { isEtcdError } from "../errors/etcd-error.ts";
import {
  CALL_OPTIONS,
  type CallOptions,
  checkCallOptions,
  timeoutOption,
} from "../transport/call-options.ts";
import type { Connection } from "../transport/connection.ts";
import * as rpcs from "../transport/rpcs.ts";
import { bigintOption, booleanOption, numberOption, refuseUnknown } from "../util/validate.ts";
import { headerOf } from "./header.ts";
import { type KeyRange, keyAfter, toWireRange } from "./key-range.ts";
import { KeyValue } from "./key-value.ts";
import type { Page } from "./page.ts";
import { printable } from "./printable.ts";
import type { RangeStreams } from "./range-streams.ts";

export type { Page } from "./page.ts";

export interface ScanOptions extends CallOptions {
  /** Keys per page, at most; fewer where they are larger than `maxResponseBytes` together. @default 1000 */
  readonly pageSize?: number | undefined;
  /** Read the store as it was at this revision. @default the newest when the first page is read */
  readonly revision?: bigint | undefined;
  /** Give keys without their values. @default false */
  readonly keysOnly?: boolean | undefined;
}

const SCAN_OPTIONS: readonly string[] = ["pageSize", "revision", "keysOnly", ...CALL_OPTIONS];

/** What a scan reads through. */
export interface ScanSource {
  readonly connection: Connection;
  readonly streams: RangeStreams;
}

/**
 * The keys of a range in order, page by page, all of one revision. `timeoutMs` is each page's. Fails with `COMPACTED`
 * when that revision is compacted before the end. A range without keys has one empty page.
 *
 * The first page is a Range, which fixes the revision. What is left comes as one RangeStream where the member has it
 * (etcd 3.7), else as further pages. Since all is of one known revision and in the order of the keys, a stream that fails
 * is taken up by pages behind the last key it gave.
 */
export async function* pages(
  { connection, streams }: ScanSource,
  range: KeyRange,
  options: ScanOptions = {},
): AsyncGenerator<Page, void, void> {
  const { rangeEnd, key } = toWireRange(range);
  const { limit, keysOnly, revision: asked } = readScanOptions(options);
  const { signal } = options;
  const limitMs = timeoutOption(options.timeoutMs, connection.defaultTimeoutMs);
  let revision = asked;
  let start = key;
  let timeoutMs = limitMs;
  let streaming = true;
  let fitting = limit;
  for (;;) {
    const request: RangeRequestInput = { key: start, rangeEnd, limit: BigInt(fitting), revision, keysOnly };
    let response: RangeResponse;
    try {
      response = await connection.unary(rpcs.range, request, { signal, timeoutMs });
    } catch (error) {
      // How many keys fit into an answer is not known before it is there.
      if (!isEtcdError(error, "RESPONSE_TOO_LARGE") || fitting === 1) throw error;
      fitting = Math.floor(fitting / 2);
      continue;
    }
    // The first page fixes the revision of all.
    const header = headerOf(response);
    if (revision === 0n) ({ revision } = header);
    const kvs = response.kvs.map((each) => new KeyValue(each));
    yield printable({ revision, clusterId: header.clusterId, kvs });
    const last = kvs.at(-1);
    if (!response.more || last === undefined) return;
    start = keyAfter(last.keyBytes);
    timeoutMs = limitMs;
    if (!streaming) continue;
    const streamed = yield* streams.pages(
      { key: start, rangeEnd, revision, keysOnly },
      // Half the time, so that a page can still come in the place of a piece that does not.
      { limit, waitMs: limitMs / 2, signal },
    );
    if (streamed.complete) return;
    timeoutMs = Math.max(1, limitMs - streamed.waitedMs);
    if (streamed.last === undefined) streaming = false;
    else start = keyAfter(streamed.last);
  }
}

export async function* scan(
  source: ScanSource,
  range: KeyRange,
  options: ScanOptions,
): AsyncGenerator<KeyValue, void, void> {
  for await (const page of pages(source, range, options)) yield* page.kvs;
}

/** Refuses wrong options before anything is read. */
export function checkScanOptions(range: KeyRange, options: ScanOptions): void {
  refuseUnknown(options, SCAN_OPTIONS, "scan");
  checkCallOptions(options);
  toWireRange(range);
  readScanOptions(options);
}

function readScanOptions(options: ScanOptions): {
  readonly limit: number;
  readonly keysOnly: boolean;
  readonly revision: bigint;
} {
  return {
    limit: numberOption(options.pageSize, "pageSize", { min: 1, integer: true, fallback: 1000 }),
    keysOnly: booleanOption(options.keysOnly, "keysOnly"),
    revision: bigintOption(options.revision, "revision") ?? 0n,
  };
}
