import type { KeyValue as WireKeyValue } from "@quorumkit/proto";
import { KeyValue } from "./key-value.ts";

/**
 * A message of up to this size may be held by one small key of it. Small answers, of which there are many, so cost no copy:
 * 128 coalesced reads of 64-byte values come to 18 KiB. Not below Node's buffer pool (8 KiB), from which copies are taken.
 */
const HARMLESS_BYTES = 32 * 1024;

/** A larger one may be held by what makes up at least this part of it: then a copy would save little. */
const LARGE_PART = 1 / 2;

/**
 * A key and its value as they are to be kept. What is decoded is a view of the whole message, and one byte of it keeps the
 * rest in memory; where that is much more, this gives a copy with bytes of its own.
 */
export function ownBytes(wire: WireKeyValue): WireKeyValue {
  if (!holdsMuchMore(wire.key, wire.value)) return wire;
  const { key, value, createRevision, modRevision, version, lease } = wire;
  return { key: Buffer.from(key), value: Buffer.from(value), createRevision, modRevision, version, lease };
}

/** As {@link ownBytes}, of a key that is wrapped already. */
export function ownKeyValue(kv: KeyValue): KeyValue {
  const { keyBytes: key, value } = kv;
  if (!holdsMuchMore(key, value)) return kv;
  const { createRevision, modRevision, version, lease } = kv;
  return new KeyValue(ownBytes({ key, value, createRevision, modRevision, version, lease }));
}

/** A value stands in the same message as its key, so one of the two tells that message's size; keys are never empty. */
function holdsMuchMore(key: Buffer, value: Buffer): boolean {
  const held = key.buffer.byteLength;
  return held > HARMLESS_BYTES && key.length + value.length < held * LARGE_PART;
}
