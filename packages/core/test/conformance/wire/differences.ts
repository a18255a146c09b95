import { type Difference, rewrite } from "../differences.ts";
import type { WireStep } from "./steps.ts";

/** The releases whose watches may lose a delete; see "A delete at the revision of a compaction". */
export const LOSE_DELETES = "before 3.4.34 and from 3.5 before 3.5.16";

export const WIRE_DIFFERENCES: readonly Difference<WireStep>[] = [
  {
    title: "Unknown sort orders",
    servers: "before 3.6",
    spare: (step) =>
      rewrite(step, (name, value) => {
        const known = { sortOrder: 2, sortTarget: 4 }[name];
        return known !== undefined && Number(value) > known ? 0 : value;
      }),
    probe: [{ call: "range", request: { key: "a", sortOrder: 7 as 0 } }],
  },
  {
    title: "Negative start revisions of a watch",
    servers: "before 3.4.38 and from 3.5 before 3.5.24 and from 3.6 before 3.6.6",
    spare: (step) =>
      rewrite(step, (name, value) =>
        name === "startRevision" && typeof value === "bigint" && value < 0n ? 0n : value,
      ),
    probe: [{ stream: 0, create: { key: "a", startRevision: -1n } }, { settle: true }],
  },
  {
    title: "Progress of a stream with a watch that is not there yet",
    servers: "before 3.4.38 and from 3.5 before 3.5.22 and from 3.6 before 3.6.2",
    spare: (step, before) =>
      "progress" in step && before.some((each) => startsElsewhere(each) && each.stream === step.stream)
        ? undefined
        : step,
    probe: [
      { stream: 0, create: { key: "a", startRevision: { from: "now", plus: 9 } } },
      { stream: 0, progress: true },
      { settle: true },
    ],
  },
  {
    title: "A delete at the revision of a compaction",
    servers: LOSE_DELETES,
    spare: (step, before) =>
      "create" in step && typeof step.create.startRevision === "object" && before.some(isCompaction)
        ? undefined
        : step,
    probe: [
      { call: "put", request: { key: "a" } },
      { call: "deleteRange", request: { key: "a" } },
      { call: "put", request: { key: "b" } },
      { call: "compact", request: { revision: { from: "base", plus: 2 }, physical: true } },
      { stream: 0, create: { key: "a", startRevision: { from: "base", plus: 2 } } },
      { settle: true },
    ],
  },
];

/** Whether a step creates a watch that has events to wait for, or to catch up with. */
function startsElsewhere(step: WireStep): step is Extract<WireStep, { create: unknown }> {
  return "create" in step && (step.create.startRevision ?? 0n) !== 0n;
}

function isCompaction(step: WireStep): boolean {
  return "call" in step && step.call === "compact";
}
