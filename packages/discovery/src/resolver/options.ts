import { refuseUnknown } from "@quorumkit/core/internal";
import type { Balancer } from "./balancer.ts";
import { balancerNamed, type BalancerName } from "./balancers.ts";

/** How {@link ServiceRegistry.resolve} picks. */
export interface ResolveOptions {
  /** Who chooses among the instances. Default "roundRobin", the only one so far: one after the other, weights aside. */
  readonly balancer?: BalancerName;
}

/** A balancer of its own for one resolver. @throws TypeError */
export function balancerOf(options: ResolveOptions): Balancer {
  refuseUnknown(options, ["balancer"], "resolve");
  return balancerNamed(options.balancer);
}
