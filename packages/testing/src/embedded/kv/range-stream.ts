import { status } from "@grpc/grpc-js";
import { SortOrder, SortTarget } from "@quorumkit/proto";
import type { KeyValueInput, RangeRequest, RangeResponseInput } from "@quorumkit/proto";
import { StatusError } from "../errors.ts";
import type { Reader } from "../mvcc/store.ts";
import { hasRevisionFilters, readRange } from "./range.ts";
import type { KvRules } from "./rules.ts";

/** Keys in the first piece of an answer. Source: `initialStreamChunkLimit` in etcd 3.7. */
const firstPiece = 10;

/** What a key needs in a message besides its key and value, about. */
const keyOverhead = 20;

/** @throws StatusError for what etcd does not do in pieces */
export function checkStream(request: RangeRequest): void {
  const { sortOrder, sortTarget } = request;
  const isInOrder =
    sortOrder === SortOrder.NONE || (sortTarget === SortTarget.KEY && sortOrder === SortOrder.ASCEND);
  if (!isInOrder)
    throw new StatusError(status.UNIMPLEMENTED, "RangeStream does not support custom sort orders");
  if (hasRevisionFilters(request))
    throw new StatusError(status.UNIMPLEMENTED, "RangeStream does not support revision filters");
}

function sizeOf(kvs: readonly KeyValueInput[]): number {
  return kvs.reduce(
    (sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0) + keyOverhead,
    0,
  );
}

/** More keys in the next piece while pieces are small, fewer when they are large. */
function nextSize(keys: number, bytes: number, target: number): number {
  if (bytes < target / 2) return keys * 2;
  if (bytes > target * 2) return Math.max(1, Math.floor(keys / 2));
  return keys;
}

/**
 * A range in pieces of about `pieceBytes`, all of one revision. Header, `more` and `count` are those of the whole, and
 * stand in the last piece. Source: `rangeStream` in server/etcdserver/v3_server.go of etcd 3.7.
 */
export function* readStream(
  reader: Reader,
  request: RangeRequest,
  rules: KvRules,
  pieceBytes: number,
): Generator<RangeResponseInput, void, undefined> {
  if (request.countOnly) {
    const { header, count } = readRange(reader, request, rules);
    yield { header, count };
    return;
  }
  const total = request.limit > 0n ? request.limit : undefined;
  let { key, revision } = request;
  let header: RangeResponseInput["header"];
  let sent = 0n;
  for (let size = firstPiece; ;) {
    const left = total === undefined ? BigInt(size) : total - sent;
    const limit = left < BigInt(size) ? left : BigInt(size);
    const piece = readRange(reader, { ...plain(request), key, revision, limit }, rules);
    const kvs = piece.kvs ?? [];
    header ??= piece.header;
    if (revision === 0n) revision = header?.revision ?? 0n;
    sent += BigInt(kvs.length);
    key = Buffer.concat([kvs.at(-1)?.key ?? key, Buffer.of(0)]);
    if (!piece.more || sent === total) {
      // etcd counts what was sent and what stands behind its last key, also where another order than the keys' was asked for.
      const behind = { ...plain(request), key, revision, countOnly: true };
      const rest = piece.more ? (readRange(reader, behind, rules).count ?? 0n) : 0n;
      yield { header, kvs, more: piece.more, count: sent + rest };
      return;
    }
    yield { kvs };
    size = nextSize(size, sizeOf(kvs), pieceBytes);
  }
}

/** The request as an object of its own; of a decoded one, the fields that were not sent are not its own. */
function plain(request: RangeRequest): RangeRequest {
  return {
    key: request.key,
    rangeEnd: request.rangeEnd,
    limit: request.limit,
    revision: request.revision,
    sortOrder: request.sortOrder,
    sortTarget: request.sortTarget,
    serializable: request.serializable,
    keysOnly: request.keysOnly,
    countOnly: request.countOnly,
    minModRevision: request.minModRevision,
    maxModRevision: request.maxModRevision,
    minCreateRevision: request.minCreateRevision,
    maxCreateRevision: request.maxCreateRevision,
  };
}
