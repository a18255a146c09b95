import type { Belief, Evidence } from "../src/checks/evidence.ts";
import type { Finding } from "../src/checks/finding.ts";
import { type LogEvent, TrueLog } from "../src/log/true-log.ts";

/** A log of puts and deletions, one revision each, the first in revision 2; revision n was seen at n ms. */
export function logOf(...changes: readonly (readonly [key: string, value: string | undefined])[]): TrueLog {
  const log = new TrueLog();
  const keys = new Map<string, { readonly createRevision: number; readonly version: number }>();
  for (const [index, [key, value]] of changes.entries()) {
    const revision = index + 2;
    const { createRevision, version } = keys.get(key) ?? { createRevision: revision, version: 0 };
    const event: LogEvent =
      value === undefined
        ? { type: "delete", key, value: "", createRevision: 0, version: 0, lease: "0" }
        : { type: "put", key, value, createRevision, version: version + 1, lease: "1" };
    if (value === undefined) keys.delete(key);
    else keys.set(key, event);
    log.add({ revision, events: [event], seenAt: revision * 1e6 });
  }
  return log;
}

export function evidenceOf(part: Partial<Evidence>): Evidence {
  return {
    log: new TrueLog(),
    history: { events: [], torn: [], pending: [] },
    beliefs: [],
    watches: new Map(),
    mirrors: [],
    resolvers: [],
    views: [],
    alarms: [],
    ...part,
  };
}

/** A lock that was believed to be held from one ms to another; each look took 0.1 ms. */
export function belief(process: string, token: number, fromMs: number, untilMs: number): Belief {
  const [from, until] = [fromMs * 1e6, untilMs * 1e6];
  return {
    process,
    kind: "lock",
    name: "a",
    key: `a/${process}`,
    token: String(token),
    first: [from, from + 1e5],
    last: [until - 1e5, until],
    isBack: false,
  };
}

/** The invariants that were found broken. */
export function broken(findings: readonly Finding[]): string[] {
  return findings.filter(({ violations }) => violations.length > 0).map(({ invariant }) => invariant);
}
