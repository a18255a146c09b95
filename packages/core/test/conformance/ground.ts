import { rpcs } from "@quorumkit/proto";
import type { Connection } from "./connection.ts";

/** A key that is only there to make revisions. */
export const MARKER: Buffer = Buffer.from("~");

const EVERYTHING = { key: Buffer.of(0), rangeEnd: Buffer.of(0) };

/** Where a sequence begins: nothing is in the store, and two revisions of {@link MARKER} are in its history. */
export interface Ground {
  /** The oldest revision that is left: the marker was put. */
  readonly compacted: bigint;
  /** The newest one: the marker was deleted. */
  readonly base: bigint;
}

/** Makes an empty store without leases and without history, whatever was in it. */
export async function clearGround(connection: Connection): Promise<Ground> {
  const { leases } = await connection.unary(rpcs.lease.leaseLeases, {});
  await Promise.all(leases.map(({ ID }) => connection.unary(rpcs.lease.leaseRevoke, { ID })));
  await connection.unary(rpcs.kv.deleteRange, EVERYTHING);
  const put = await connection.unary(rpcs.kv.put, { key: MARKER });
  const gone = await connection.unary(rpcs.kv.deleteRange, { key: MARKER });
  // Not at the deletion: some servers lose it when a watch begins there (etcd#18089).
  const compacted = put.header?.revision ?? 0n;
  await connection.unary(rpcs.kv.compact, { revision: compacted });
  return { compacted, base: gone.header?.revision ?? 0n };
}
