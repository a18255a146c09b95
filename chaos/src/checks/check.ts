import { checkRegister } from "@quorumkit/testing/history";
import { type Kind, KINDS } from "../names.ts";
import { checkCopies } from "./copies.ts";
import type { Evidence } from "./evidence.ts";
import { type Finding, finding, fromVerdict } from "./finding.ts";
import { checkGuardedWrites } from "./guarded-writes.ts";
import { checkMutexes } from "./mutexes.ts";
import { checkOutcomes } from "./outcomes.ts";
import { checkOwnership } from "./ownership.ts";
import { checkWatches } from "./watches.ts";

/** Every invariant, over all that was written down. */
export function check(evidence: Evidence, counts: ReadonlyMap<Kind, number>): Finding[] {
  const { log, alarms } = evidence;
  const idle = KINDS.filter((kind) => (counts.get(kind) ?? 0) === 0);
  return [
    ...checkOwnership(evidence),
    ...checkGuardedWrites(evidence),
    ...checkMutexes(evidence),
    fromVerdict("registers are linearizable", checkRegister(evidence.history)),
    ...checkOutcomes(evidence),
    ...checkWatches(evidence),
    ...checkCopies(evidence),
    finding("nothing else went wrong in a worker", evidence.history.events.length, alarms),
    finding(
      "every sort of work made progress",
      KINDS.length,
      idle.map((kind) => `${kind} was never done`),
    ),
    finding("the true log is whole", log.entries.length, log.faults),
  ];
}
