import type { ProxiedCluster } from "@quorumkit/testing";
import type { Fleet } from "../fleet/fleet.ts";
import type { Gateway } from "../log/gateway.ts";
import type { TrueLog } from "../log/true-log.ts";
import type { Target } from "./plan.ts";

/** All that faults can be applied to. */
export interface Field {
  readonly proxied: ProxiedCluster;
  /** One for each member, in their order. */
  readonly gateways: readonly Gateway[];
  readonly fleet: Fleet;
  readonly log: TrueLog;
  readonly signal: AbortSignal;
}

const STATUS_MS = 1_000;

/** Which member is meant: the one that leads, as the members see it themselves; the first where nobody does. */
export async function memberOf({ gateways }: Field, target: Target): Promise<number> {
  if (target !== "leader") return target;
  return (await leaderOf(gateways))?.index ?? 0;
}

export interface Leader {
  readonly index: number;
  /** The ids of the members that answer and do not lead. */
  readonly followers: readonly string[];
}

export async function leaderOf(gateways: readonly Gateway[]): Promise<Leader | undefined> {
  const statuses = await Promise.all(
    gateways.map((gateway) => gateway.status(STATUS_MS).catch(() => undefined)),
  );
  let leader: Leader | undefined;
  let newest = -1;
  for (const [index, status] of statuses.entries()) {
    if (status === undefined || status.leader !== status.memberId || status.term <= newest) continue;
    newest = status.term;
    const others = statuses.flatMap((each) => each?.memberId ?? []);
    leader = { index, followers: others.filter((id) => id !== status.memberId) };
  }
  return leader;
}
