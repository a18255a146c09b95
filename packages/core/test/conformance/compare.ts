import { setTimeout } from "node:timers/promises";
import { inspect, isDeepStrictEqual } from "node:util";
import type { Plain } from "./normalise.ts";

/** One of the two servers, on which sequences of steps are run. */
export interface Side<Step> {
  /** Makes clean ground, whatever the last sequence left. */
  begin(steps: readonly Step[]): Promise<void>;
  /** Does one step, and gives what came of it in terms that two servers have in common. */
  run(step: Step): Promise<Plain>;
  /** Ends what the sequence has begun, so that nothing of it goes on. */
  end(): Promise<void> | void;
  close(): Promise<void> | void;
}

/** The two servers that are compared. */
export interface Pair<Step> extends AsyncDisposable {
  readonly etcd: Side<Step>;
  readonly embedded: Side<Step>;
  /** The release of the real one, such as "3.5.30". */
  readonly version: string;
  /**
   * Whether the real one may answer a step, which only asks, from what it had a moment ago. Then it is asked until its answer
   * is the other's, for a while.
   */
  readonly mayLag: (step: Step) => boolean;
}

/** A step that was answered differently, and how. */
export interface Mismatch<Step> {
  readonly index: number;
  readonly step: Step;
  readonly etcd: Plain;
  readonly embedded: Plain;
}

/** How often, and after which pause, a server that may lag is asked again: for as long as a member may be behind its leader. */
const TRIES = 20;
const PAUSE_MS = 50;

/** Runs a sequence on both servers, from clean ground, up to where they differ in a way that nothing explains. */
export async function firstMismatch<Step>(
  pair: Pair<Step>,
  steps: readonly Step[],
  explained: (etcd: Plain, embedded: Plain, step: Step) => boolean = () => false,
): Promise<Mismatch<Step> | undefined> {
  const { etcd, embedded } = pair;
  await Promise.all([etcd.begin(steps), embedded.begin(steps)]);
  try {
    for (const [index, step] of steps.entries()) {
      const [first, other] = await Promise.all([etcd.run(step), embedded.run(step)]);
      const alike = (one: Plain): boolean => isDeepStrictEqual(one, other) || explained(one, other, step);
      const one = alike(first) || !pair.mayLag(step) ? first : await askAgain(pair, step, alike);
      if (!alike(one)) return { index, step, etcd: one, embedded: other };
    }
    return undefined;
  } finally {
    await Promise.all([etcd.end(), embedded.end()]);
  }
}

async function askAgain<Step>(
  { etcd }: Pair<Step>,
  step: Step,
  alike: (answer: Plain) => boolean,
): Promise<Plain> {
  for (let tries = 1; ; tries += 1) {
    await setTimeout(PAUSE_MS);
    const answer = await etcd.run(step);
    if (alike(answer) || tries === TRIES) return answer;
  }
}

export function show(value: unknown): string {
  return inspect(value, { depth: null, breakLength: 120, compact: 6 });
}
