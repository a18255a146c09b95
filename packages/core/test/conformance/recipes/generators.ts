import * as fc from "fast-check";
import type { RecipeStep } from "./steps.ts";

const MAX_STEPS = 40;
// What Go's mutex does where another kind of value stands is nobody's business, so queues are of one kind each.
const mutex = fc.constantFrom("m", "m", "n");
const election = fc.constantFrom("e", "e", "f");
const lease = fc.constantFrom(1n, 2n, 3n);
const value = fc.constantFrom("x", "y");

const step = fc.oneof<fc.WeightedArbitrary<RecipeStep>[]>(
  { arbitrary: lease.map((grant) => ({ grant })), weight: 4 },
  { arbitrary: lease.map((revoke) => ({ revoke })), weight: 2 },
  { arbitrary: fc.record({ lock: mutex, lease }), weight: 6 },
  { arbitrary: fc.record({ unlock: mutex, lease }), weight: 4 },
  { arbitrary: fc.record({ campaign: election, lease, value }), weight: 6 },
  { arbitrary: fc.record({ resign: election, lease }), weight: 4 },
  { arbitrary: fc.record({ proclaim: election, lease, value }), weight: 3 },
  { arbitrary: election.map((leader) => ({ leader })), weight: 2 },
  { arbitrary: fc.record({ remove: fc.oneof(mutex, election), lease }), weight: 1 },
);

/** Sequences of up to 40 steps. */
export const sequences: fc.Arbitrary<RecipeStep[]> = fc
  .array(step, { minLength: 1, maxLength: MAX_STEPS - 2, size: "max" })
  .map((steps) => [{ grant: 1n }, { grant: 2n }, ...steps]);
