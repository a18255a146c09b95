import type { Plain } from "./normalise.ts";

/** A way in which the embedded server is not like some etcd, as docs/embedded-differences.md lists it. */
export interface Difference<Step> {
  /** Its heading in the page. */
  readonly title: string;
  /** The releases of etcd it is about, as the page says it: see {@link isAbout}. */
  readonly servers: string;
  /**
   * Where it holds, sequences go without what shows it, since what follows would differ too: gives the step as both answer it
   * alike, the step itself where it does not show it, and nothing where there is no such step. `before` are the steps that
   * stand before it.
   */
  readonly spare?: (step: Step, before: readonly Step[]) => Step | undefined;
  /** Whether two answers to a step differ because of it, where nothing that follows is any different. */
  readonly explains?: (etcd: Plain, embedded: Plain, step: Step) => boolean;
  /** Shows it: on the servers it is about this is answered differently, and on all others alike. */
  readonly probe: readonly Step[];
}

/** Whether the words of a difference (`before 3.6`, `from 3.6 before 3.6.10 and before 3.5.29`) are about a release. */
export function isAbout(servers: string, version: string): boolean {
  return servers.split(" and ").some((words) => {
    const { all, from, before } = WORDS.exec(words)?.groups ?? {};
    if (all === undefined && from === undefined && before === undefined)
      throw new TypeError(`Expected releases such as "before 3.6", got "${words}"`);
    return (
      (from === undefined || compareReleases(version, from) >= 0) &&
      (before === undefined || compareReleases(version, before) < 0)
    );
  });
}

const WORDS = /^(?:(?<all>all)|(?:from (?<from>[\d.]+))?(?: ?before (?<before>[\d.]+))?)$/;

function compareReleases(one: string, other: string): number {
  return one.localeCompare(other, "en", { numeric: true });
}

/** A sequence without what the differences show in it. */
export function spared<Step>(
  sequence: readonly Step[],
  differences: readonly Pick<Difference<Step>, "spare">[],
): readonly Step[] {
  const steps: Step[] = [];
  for (const each of sequence) {
    let step: Step | undefined = each;
    for (const { spare } of differences) {
      if (step !== undefined && spare !== undefined) step = spare(step, steps);
    }
    if (step !== undefined) steps.push(step);
  }
  return steps;
}

/** A copy of a step in which each field, however deep, has what `change` gives for its name and value. */
export function rewrite<Step>(step: Step, change: (name: string, value: unknown) => unknown): Step {
  const copy = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(copy);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, change(name, copy(each))]));
  };
  return copy(step) as Step;
}
