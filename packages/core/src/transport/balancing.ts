import { describe } from "../util/validate.ts";

/**
 * Which of the endpoints that work a call or stream goes to.
 *
 * - `roundRobin`: one after the other.
 * - `pickFirst`: the first one in the order of `endpoints`, as with a member that is near.
 */
export type Balancing = "roundRobin" | "pickFirst";

export function balancingOption(value: Balancing = "roundRobin"): Balancing {
  if (value !== "roundRobin" && value !== "pickFirst")
    throw new TypeError(`balancing must be "roundRobin" or "pickFirst", received ${describe(value)}`);
  return value;
}
