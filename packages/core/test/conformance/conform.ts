import * as fc from "fast-check";
import { expect } from "vitest";
import { firstMismatch, type Pair, show } from "./compare.ts";
import { type Difference, isAbout, spared } from "./differences.ts";
import type { Plain } from "./normalise.ts";

/** What is compared, and on what. */
export interface Conformance<Step> {
  readonly open: () => Promise<Pair<Step>>;
  readonly steps: fc.Arbitrary<Step[]>;
  readonly differences: readonly Difference<Step>[];
  readonly sequences: number;
  /**
   * Pairs of servers that are busy at the same time, default 4: etcd lets those wait who look at the past, and the others
   * go on meanwhile.
   */
  readonly shards?: number;
}

/**
 * Compares the two servers over so many random sequences.
 * @throws when they do not answer alike, with the shortest sequence that shows it, and with the seed.
 */
export async function expectAlike<Step>({
  open,
  steps,
  differences,
  sequences,
  shards = 4,
}: Conformance<Step>): Promise<void> {
  let done = 0;
  const runShard = async (): Promise<void> => {
    await using pair = await open();
    const known = differences.filter(({ servers }) => isAbout(servers, pair.version));
    const property = fc.asyncProperty(steps, async (sequence) => {
      await assertAlike(pair, sequence, known);
      done += 1;
    });
    await fc.assert(property, { numRuns: Math.ceil(sequences / shards) });
  };
  // All have ended before a failure is told: the next test has its servers for itself.
  const ended = await Promise.allSettled(Array.from({ length: shards }, runShard));
  for (const each of ended) if (each.status === "rejected") throw each.reason;
  expect(done).toBeGreaterThanOrEqual(sequences);
}

async function assertAlike<Step>(
  pair: Pair<Step>,
  sequence: readonly Step[],
  known: readonly Difference<Step>[],
): Promise<void> {
  const steps = spared(sequence, known);
  const explained = (etcd: Plain, embedded: Plain, step: Step): boolean =>
    known.some(({ explains }) => explains?.(etcd, embedded, step));
  const mismatch = await firstMismatch(pair, steps, explained);
  if (mismatch === undefined) return;
  const { index, step, etcd, embedded } = mismatch;
  throw new Error(
    [
      `step ${index}, ${show(step)}`,
      `is answered by etcd ${pair.version} with`,
      show(etcd),
      "and by the embedded server with",
      show(embedded),
    ].join("\n"),
  );
}
