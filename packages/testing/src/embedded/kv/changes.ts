import type {
  DeleteRangeRequest,
  DeleteRangeResponseInput,
  PutRequest,
  PutResponseInput,
} from "@quorumkit/proto";
import { errors } from "../errors.ts";
import type { Reader, WriteTx } from "../mvcc/store.ts";
import type { KvLeases, LeaseMoves } from "./lease-moves.ts";

/** @throws StatusError lease not found */
export function requireLease(leases: KvLeases, { lease }: PutRequest): void {
  if (lease !== 0n && !leases.exists(lease)) throw errors.leaseNotFound();
}

/** @throws StatusError key not found, when the put is to keep a part of a key that does not exist */
export function requireKey(reader: Reader, { key, ignoreValue, ignoreLease }: PutRequest): void {
  if ((ignoreValue || ignoreLease) && reader.get(key) === undefined) throw errors.keyNotFound();
}

export function put(tx: WriteTx, moves: LeaseMoves, request: PutRequest): PutResponseInput {
  requireKey(tx, request);
  const before = request.ignoreValue || request.ignoreLease ? tx.get(request.key) : undefined;
  const value = request.ignoreValue && before ? before.value : request.value;
  const lease = request.ignoreLease && before ? before.lease : request.lease;
  const event = tx.put(request.key, value, lease);
  moves.add(event);
  return { header: { revision: tx.revision }, prevKv: request.prevKv ? event.prevKv : undefined };
}

export function deleteRange(
  tx: WriteTx,
  moves: LeaseMoves,
  request: DeleteRangeRequest,
): DeleteRangeResponseInput {
  const events = tx.delete(request);
  for (const event of events) moves.add(event);
  return {
    header: { revision: revisionOf(tx) },
    deleted: BigInt(events.length),
    prevKvs: request.prevKv ? events.flatMap(({ prevKv }) => prevKv ?? []) : [],
  };
}

/** The revision of a write so far: a new one once it has changed something. */
export function revisionOf(tx: WriteTx): bigint {
  return tx.hasChanges ? tx.revision : tx.revision - 1n;
}
