import { describe } from "@quorumkit/core/internal";
import type { Balancer } from "./balancer.ts";
import { RoundRobin } from "./round-robin.ts";

/** The names of the balancers there are. */
export type BalancerName = "roundRobin";

const BALANCERS: ReadonlyMap<unknown, () => Balancer> = new Map([
  ["roundRobin", (): Balancer => new RoundRobin()],
]);

/** @throws TypeError for a name that no balancer has. */
export function balancerNamed(name: BalancerName = "roundRobin"): Balancer {
  const make = BALANCERS.get(name);
  if (make === undefined) {
    throw new TypeError(
      `balancer must be one of ${[...BALANCERS.keys()].join(", ")}, received ${describe(name)}`,
    );
  }
  return make();
}
