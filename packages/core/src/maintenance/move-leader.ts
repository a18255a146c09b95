import { memberId } from "../cluster/member.ts";
import { isEtcdError } from "../errors/etcd-error.ts";
import { callBudget } from "../transport/call-budget.ts";
import type { CallOptions } from "../transport/call-options.ts";
import type { Connection } from "../transport/connection.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import * as rpcs from "../transport/rpcs.ts";
import { pause } from "../util/abort.ts";
import { findLeader } from "./find-leader.ts";

/** Between two looks at a member that sees no leader for the moment. */
const LOOK_AGAIN_MS = 50;

export async function moveLeader(connection: Connection, to: bigint, options: CallOptions): Promise<void> {
  const left = callBudget({ timeoutMs: connection.defaultTimeoutMs }, options, "moveLeader");
  const targetID = memberId(to);
  const endpoint = await findLeader(connection, left());
  try {
    await connection.unary(rpcs.moveLeader, { targetID }, { ...left(), endpoint });
  } catch (error) {
    // It does not lead any more, perhaps since the first sending of this, whose answer was lost.
    if (!isEtcdError(error, "FAILED_PRECONDITION") || error.outcome !== "unknown") throw error;
    const leader = await leaderSeenBy(connection, endpoint, left).catch(() => undefined);
    if (leader !== targetID) throw error;
  }
}

async function leaderSeenBy(
  connection: Connection,
  endpoint: Endpoint,
  left: () => CallOptions,
): Promise<bigint> {
  for (;;) {
    const options = left();
    const { leader } = await connection.unary(rpcs.status, {}, { ...options, endpoint });
    if (leader !== 0n) return leader;
    await pause(LOOK_AGAIN_MS, options.signal, connection.closing);
  }
}
