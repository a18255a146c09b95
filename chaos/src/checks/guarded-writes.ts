import { type TrueLog, Replay } from "../log/true-log.ts";
import { CAMPAIGN_ELECTION, GUARDED, LOCKS, RUN_ELECTION } from "../names.ts";
import type { Evidence } from "./evidence.ts";
import { type Finding, finding } from "./finding.ts";

/** What the store let through: only writes of whoever was first in the queue at that very revision. */
export function checkGuardedWrites({ log }: Evidence): Finding[] {
  const names = [...LOCKS, RUN_ELECTION, CAMPAIGN_ELECTION];
  const queues = new Map(names.map((name) => [name, new Replay(log, `${name}/`)]));
  const newest = new Map<string, number>();
  const old: string[] = [];
  const foreign: string[] = [];
  let checked = 0;
  for (const { revision, name, token, by } of guardedWrites(log)) {
    checked += 1;
    const what = `the write ${by} of ${name} with token ${token} in revision ${revision}`;
    if (token < (newest.get(name) ?? 0)) old.push(`${what} came after token ${newest.get(name)}`);
    newest.set(name, Math.max(token, newest.get(name) ?? 0));
    const queue =
      queues
        .get(name)
        ?.to(revision - 1)
        .keys.values() ?? [];
    const first = Math.min(...[...queue].map(({ createRevision }) => createRevision));
    if (first !== token) foreign.push(`${what} was accepted while ${first} was first`);
  }
  return [
    finding("no guarded write of an old token is accepted", checked, old),
    finding("guarded writes are accepted from the present owner only", checked, foreign),
  ];
}

interface GuardedWrite {
  readonly revision: number;
  readonly name: string;
  readonly token: number;
  readonly by: string;
}

function* guardedWrites(log: TrueLog): Generator<GuardedWrite, void> {
  for (const { revision, events } of log.entries) {
    for (const { type, key, value } of events) {
      if (type !== "put" || !key.startsWith(GUARDED)) continue;
      const { name, token, by } = JSON.parse(value) as { name: string; token: string; by: string };
      yield { revision, name, token: Number(token), by };
    }
  }
}
