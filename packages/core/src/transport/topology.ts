/**
 * What stands behind an endpoint.
 *
 * - `direct`: one member.
 * - `proxy`: etcd's gRPC proxy, a load balancer, or a name with several addresses: any member, another one from
 *   connection to connection.
 */
export type Topology = "direct" | "proxy";

/** How long an endpoint that fails is left alone. */
export interface SetAsideRules {
  readonly initialMs: number;
  readonly maxMs: number;
  /** An endpoint found to be a learner's; catching up takes its time. Undefined: as any other failure. */
  readonly learnerMs: number | undefined;
  /** For how long a failed endpoint is not trusted with what cannot be repeated or is found out late, in ms. */
  readonly suspectMs: number;
  /** How long after it refused a call for now, as without a leader, a passed health check is enough, in ms. */
  readonly refusedMs: number;
}

export const SET_ASIDE: Readonly<Record<Topology, SetAsideRules>> = {
  // By the end of `suspectMs` pings have found out what became of a connection that hangs.
  direct: { initialMs: 50, maxMs: 1_000, learnerMs: 10_000, suspectMs: 30_000, refusedMs: 5_000 },
  // What one of the members behind it said tells little of the next one.
  proxy: { initialMs: 20, maxMs: 200, learnerMs: undefined, suspectMs: 1_000, refusedMs: 1_000 },
};
