import { CompareResult, CompareTarget, SortOrder, SortTarget } from "@quorumkit/proto";
import type { Compare, DeleteRangeRequest, PutRequest, RangeRequest, RequestOp } from "@quorumkit/proto";

const noBytes = Buffer.alloc(0);

/** The request for one key. */
export function rangeOf(key: Buffer): RangeRequest {
  return {
    key,
    rangeEnd: noBytes,
    limit: 0n,
    revision: 0n,
    sortOrder: SortOrder.NONE,
    sortTarget: SortTarget.KEY,
    serializable: false,
    keysOnly: false,
    countOnly: false,
    minModRevision: 0n,
    maxModRevision: 0n,
    minCreateRevision: 0n,
    maxCreateRevision: 0n,
  };
}

/** The oldest key under a prefix that ends with a slash. */
export function firstUnder(prefix: Buffer): RangeRequest {
  return { ...oneByCreateRevision(prefix), sortOrder: SortOrder.ASCEND };
}

/** The youngest key under such a prefix, of those that were created at a revision or before. */
export function lastUnder(prefix: Buffer, maxCreateRevision: bigint): RangeRequest {
  return { ...oneByCreateRevision(prefix), sortOrder: SortOrder.DESCEND, maxCreateRevision };
}

function oneByCreateRevision(prefix: Buffer): RangeRequest {
  return { ...rangeOf(prefix), rangeEnd: endOf(prefix), limit: 1n, sortTarget: SortTarget.CREATE };
}

function endOf(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  return end;
}

export function putOf(key: Buffer, value: Buffer, lease: bigint): PutRequest {
  return { key, value, lease, prevKv: false, ignoreValue: false, ignoreLease: false };
}

export function deleteOf(key: Buffer): DeleteRangeRequest {
  return { key, rangeEnd: noBytes, prevKv: false };
}

/** True as long as the key is the one that was created at this revision; 0: as long as there is none. */
export function createdAt(key: Buffer, createRevision: bigint): Compare {
  return {
    key,
    rangeEnd: noBytes,
    result: CompareResult.EQUAL,
    target: CompareTarget.CREATE,
    createRevision,
  };
}

export const op: {
  range(request: RangeRequest): RequestOp;
  put(request: PutRequest): RequestOp;
  delete(request: DeleteRangeRequest): RequestOp;
} = {
  range: (requestRange) => ({ requestRange }),
  put: (requestPut) => ({ requestPut }),
  delete: (requestDeleteRange) => ({ requestDeleteRange }),
};
