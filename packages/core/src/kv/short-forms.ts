import { compare } from "../txn/compare.ts";
import { op } from "../txn/op.ts";
import { Txn } from "../txn/txn.ts";
import { CALL_OPTIONS, type CallOptions } from "../transport/call-options.ts";
import type { Connection } from "../transport/connection.ts";
import { describe, refuseUnknown } from "../util/validate.ts";
import { type Bytes, keyId, toBytes, toKey } from "./bytes.ts";
import type { KeyValue } from "./key-value.ts";
import { printable } from "./printable.ts";
import type { LeaseRef } from "./put.ts";

export interface PutIfAbsentOptions extends CallOptions {
  /** The lease the key shall live on. @default none */
  readonly lease?: LeaseRef | undefined;
}

export interface CompareAndSwapOptions extends CallOptions {
  /** The lease the key shall live on afterwards. @default none: a swap takes the key off the lease it was on */
  readonly lease?: LeaseRef | undefined;
  /** Keep the key's lease; `lease` must be absent, and `expected` a value. @default false */
  readonly ignoreLease?: boolean | undefined;
}

export interface PutAllOptions extends CallOptions {
  /** The lease the keys shall live on. @default none */
  readonly lease?: LeaseRef | undefined;
}

/** What a conditional write found. `current` is the key at that moment, of which `revision` is the store's revision. */
export type SwapResult =
  | { readonly swapped: true; readonly revision: bigint }
  | { readonly swapped: false; readonly revision: bigint; readonly current: KeyValue | undefined };

export type PutIfAbsentResult =
  | { readonly created: true; readonly revision: bigint }
  | { readonly created: false; readonly revision: bigint; readonly current: KeyValue };

/** The operations a server takes in one transaction unless told otherwise (`--max-txn-ops`). */
const MAX_ENTRIES = 128;

export async function compareAndSwap(
  connection: Connection,
  key: Bytes,
  expected: Bytes | undefined,
  next: Bytes,
  options: CompareAndSwapOptions,
): Promise<SwapResult> {
  refuseUnknown(options, ["lease", "ignoreLease", ...CALL_OPTIONS], "compareAndSwap");
  const { lease, ignoreLease, signal, timeoutMs } = options;
  if (expected === undefined && ignoreLease === true)
    throw new TypeError("ignoreLease must be absent where no key is expected");
  const guard =
    expected === undefined
      ? compare(toKey(key)).version.equals(0n)
      : compare(toKey(key)).value.equals(toBytes(expected, "expected"));
  const result = await txn(connection)
    .if(guard)
    .then(op.put(key, toBytes(next, "next"), { lease, ignoreLease }))
    .else(op.get(key))
    .commit({ signal, timeoutMs });
  const { revision } = result;
  return result.succeeded
    ? printable({ swapped: true, revision })
    : printable({ swapped: false, revision, current: result.results[0] });
}

export async function putIfAbsent(
  connection: Connection,
  key: Bytes,
  value: Bytes,
  options: PutIfAbsentOptions,
): Promise<PutIfAbsentResult> {
  refuseUnknown(options, ["lease", ...CALL_OPTIONS], "putIfAbsent");
  const result = await compareAndSwap(connection, key, undefined, toBytes(value, "value"), options);
  const { revision } = result;
  // Where the key is not absent it is there: both were seen in one step.
  return result.swapped
    ? printable({ created: true, revision })
    : printable({ created: false, revision, current: result.current as KeyValue });
}

export async function putAll(
  connection: Connection,
  entries: Iterable<readonly [key: Bytes, value: Bytes]>,
  options: PutAllOptions,
): Promise<{ readonly revision: bigint }> {
  refuseUnknown(options, ["lease", ...CALL_OPTIONS], "putAll");
  const { lease, signal, timeoutMs } = options;
  const list = readEntries(entries);
  const { revision } = await txn(connection)
    .then(...list.map(([key, value]) => op.put(key, value, { lease })))
    .commit({ signal, timeoutMs });
  return printable({ revision });
}

/** Refuses what the server would refuse, before anything is sent. */
function readEntries(
  entries: Iterable<readonly [key: Bytes, value: Bytes]>,
): readonly (readonly [Uint8Array, Uint8Array])[] {
  if (typeof entries !== "object" || entries === null || !(Symbol.iterator in entries))
    throw new TypeError(
      `entries must be an iterable of [key, value], such as a Map, received ${describe(entries)}`,
    );
  const seen = new Set<string>();
  const list = Array.from(entries, (entry) => {
    if (!Array.isArray(entry) || entry.length !== 2)
      throw new TypeError(`each of entries must be [key, value], received ${describe(entry)}`);
    const [key, value] = entry as [Bytes, Bytes];
    const bytes = toKey(key);
    const id = keyId(bytes);
    if (seen.has(id)) throw new TypeError(`entries has the key ${describe(key)} twice`);
    seen.add(id);
    return [bytes, toBytes(value, "value")] as const;
  });
  if (list.length < 1 || list.length > MAX_ENTRIES)
    throw new TypeError(`entries must be between 1 and ${MAX_ENTRIES} keys, received ${list.length}`);
  return list;
}

function txn(connection: Connection): Txn {
  return new Txn(connection, { if: [], then: [], else: [] });
}
