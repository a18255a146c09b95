import type { KeyValue } from "@quorumkit/proto";
import { Crc32c } from "./crc32c.ts";
import type { Version } from "./key-history.ts";
import type { KeyIndex } from "./key-index.ts";

/** The bucket of etcd's file in which keys are. */
const bucket = Buffer.from("key");

/** How etcd's file names a version: `<revision>_<place>`, and a `t` for a delete. */
function revisionBytes({ kv, sub, deleted }: Version): Buffer {
  const bytes = Buffer.alloc(deleted ? 18 : 17);
  bytes.writeBigInt64BE(kv.modRevision, 0);
  bytes.write("_", 8);
  bytes.writeBigInt64BE(BigInt(sub), 9);
  if (deleted) bytes.write("t", 17);
  return bytes;
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

function bytesField(id: number, value: Buffer): Buffer[] {
  if (value.length === 0) return [];
  return [Buffer.of((id << 3) | 2), varint(BigInt(value.length)), value];
}

function intField(id: number, value: bigint): Buffer[] {
  return value === 0n ? [] : [Buffer.of(id << 3), varint(value)];
}

/** A mvccpb.KeyValue as Go encodes it: fields by number, none that is zero. */
function encode(kv: KeyValue): Buffer {
  return Buffer.concat([
    ...bytesField(1, kv.key),
    ...intField(2, kv.createRevision),
    ...intField(3, kv.modRevision),
    ...intField(4, kv.version),
    ...bytesField(5, kv.value),
    ...intField(6, kv.lease),
  ]);
}

function compareVersions(a: Version, b: Version): number {
  return Number(a.kv.modRevision - b.kv.modRevision) || a.sub - b.sub;
}

/**
 * The hash of all versions up to `revision` that a compaction at `compacted` leaves.
 * Source: etcd, server/storage/mvcc/hash.go.
 */
export function hashOf(index: KeyIndex, compacted: bigint, revision: bigint): number {
  const recent: Version[] = [];
  const old: Version[] = [];
  let kept: Version[] = [];
  index.visitAll((history) => {
    const current = history.versionAt(revision);
    for (const version of history.upTo(revision))
      (version.kv.modRevision > compacted ? recent : old).push(version);
    if (current !== undefined && !current.deleted) kept.push(current);
  });
  // With nothing to keep etcd leaves nothing out.
  if (kept.length === 0) kept = old;
  const isKept = new Set(kept);
  const hash = new Crc32c();
  hash.update(bucket);
  for (const version of [...old.filter((each) => isKept.has(each)), ...recent].sort(compareVersions)) {
    hash.update(revisionBytes(version));
    // A delete is stored with its key alone.
    hash.update(version.deleted ? Buffer.concat(bytesField(1, version.kv.key)) : encode(version.kv));
  }
  return hash.digest();
}
