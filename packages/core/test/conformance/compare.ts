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
}

/** A step that was answered differently, and how. */
export interface Mismatch<Step> {
  readonly index: number;
  readonly step: Step;
  readonly etcd: Plain;
  readonly embedded: Plain;
}

/** Runs a sequence on both servers, from clean ground, up to where they differ in a way that nothing explains. */
export async function firstMismatch<Step>(
  { etcd, embedded }: Pair<Step>,
  steps: readonly Step[],
  explained: (etcd: Plain, embedded: Plain) => boolean = () => false,
): Promise<Mismatch<Step> | undefined> {
  await Promise.all([etcd.begin(steps), embedded.begin(steps)]);
  try {
    for (const [index, step] of steps.entries()) {
      const [one, other] = await Promise.all([etcd.run(step), embedded.run(step)]);
      if (isDeepStrictEqual(one, other) || explained(one, other)) continue;
      return { index, step, etcd: one, embedded: other };
    }
    return undefined;
  } finally {
    await Promise.all([etcd.end(), embedded.end()]);
  }
}

export function show(value: unknown): string {
  return inspect(value, { depth: null, breakLength: 120, compact: 6 });
}
