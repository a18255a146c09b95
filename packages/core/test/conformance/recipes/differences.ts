import { isDeepStrictEqual } from "node:util";
import type { Difference } from "../differences.ts";
import type { Plain } from "../normalise.ts";
import type { RecipeStep } from "./steps.ts";

export const RECIPE_DIFFERENCES: readonly Difference<RecipeStep>[] = [
  {
    title: "Locks whose place in the queue is lost",
    servers: "before 3.5",
    explains: (etcd, embedded) => {
      const [one, other] = [readAnswers(etcd), readAnswers(embedded)];
      return (
        one.length === other.length &&
        other.every((answer, index) => isDeepStrictEqual(answer, one[index]) || isExpired(answer))
      );
    },
    probe: [
      { grant: 1n },
      { grant: 2n },
      { lock: "m", lease: 1n },
      { lock: "m", lease: 2n },
      { remove: "m", lease: 2n },
      { unlock: "m", lease: 1n },
    ],
  },
];

/** The answer to a step, and those that came to who was waiting. */
function readAnswers(plain: Plain): readonly Plain[] {
  const { answer, others } = plain as { readonly answer: Plain; readonly others: readonly Plain[] };
  return [answer, ...others];
}

function isExpired(answer: Plain): boolean {
  return isDeepStrictEqual(answer, { code: 2, details: "mutex: session is expired" });
}
