import type { Difference } from "../differences.ts";
import { LOSE_DELETES } from "../wire/differences.ts";
import type { ApiStep } from "./steps.ts";

/** What is known from the wire, as it shows here: the page has it once. */
export const API_DIFFERENCES: readonly Difference<ApiStep>[] = [
  {
    title: "A delete at the revision of a compaction",
    servers: LOSE_DELETES,
    spare: (step, before) =>
      "watch" in step && step.start !== undefined && before.some((each) => "compact" in each)
        ? undefined
        : step,
    probe: [],
  },
];
