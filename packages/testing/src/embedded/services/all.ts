import type { Services } from "@quorumkit/proto";
import type { Quorum } from "../quorum.ts";
import { authHandlers } from "./auth.ts";
import { clusterHandlers } from "./cluster.ts";
import type { ServiceWork } from "./context.ts";
import { electionHandlers } from "./election.ts";
import { healthHandlers } from "./health.ts";
import { kvHandlers } from "./kv.ts";
import { leaseHandlers } from "./lease.ts";
import { lockHandlers } from "./lock.ts";
import { maintenanceHandlers } from "./maintenance.ts";
import { watchHandlers, type WatchServiceOptions } from "./watch.ts";

export type AllWork = { readonly [Name in keyof Services]: ServiceWork<Services[Name]> };

export interface AllWorkOptions {
  readonly version: string;
  readonly quorum: Quorum;
  readonly watch: WatchServiceOptions;
}

/** The work behind all services. */
export function allHandlers({ version, quorum, watch }: AllWorkOptions): AllWork {
  return {
    auth: authHandlers(),
    cluster: clusterHandlers(),
    election: electionHandlers(),
    health: healthHandlers(quorum),
    kv: kvHandlers(),
    lease: leaseHandlers(),
    lock: lockHandlers(),
    maintenance: maintenanceHandlers(version, quorum),
    watch: watchHandlers(watch),
  };
}
