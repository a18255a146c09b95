import type { Plain } from "./normalise.ts";

/** A way in which the embedded server is not like some etcd, as docs/embedded-differences.md lists it. */
export interface Difference<Step> {
  /** Its heading in the page. */
  readonly title: string;
  /** The releases of etcd it is about, as the page says it: see {@link isAbout}. */
  readonly servers: string;
  /** Whether a step may show it. Where it holds, sequences go without such steps, since what follows would differ too. */
  readonly touches?: (step: Step) => boolean;
  /** Whether two answers differ because of it, where nothing that follows is any different. */
  readonly explains?: (etcd: Plain, embedded: Plain) => boolean;
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

/** Whether a message anywhere in a step is such a one. */
export function has(value: unknown, wanted: (message: Record<string, unknown>) => boolean): boolean {
  if (typeof value !== "object" || value === null) return false;
  return wanted(value as Record<string, unknown>) || Object.values(value).some((each) => has(each, wanted));
}
