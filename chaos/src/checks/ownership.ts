import type { TrueLog } from "../log/true-log.ts";
import type { Belief, Evidence } from "./evidence.ts";
import { type Finding, finding } from "./finding.ts";

/**
 * What processes believed to have, by what they said themselves. Whoever had it at two looks had it all the time between
 * them, since what is lost never comes back; what was so between the two ends of one look is open.
 */
export function checkOwnership({ beliefs: all, log }: Evidence): Finding[] {
  const robbed = robbedBeliefs(all, log);
  const beliefs = all.filter((belief) => !robbed.has(belief));
  const owned = beliefs.filter(({ kind }) => kind !== "session");
  const lists = [...groupBy(owned, ({ kind, name }) => `${kind} ${name}`).values()];
  const locks = lists.filter(([first]) => first?.kind === "lock");
  const leaders = lists.filter(([first]) => first?.kind === "leader");
  const sum = (groups: readonly (readonly Belief[])[]): number =>
    groups.reduce((total, { length }) => total + length, 0);
  return [
    finding("no two holders of one lock at once, by their own claims", sum(locks), locks.flatMap(overlaps)),
    finding("leaderships never overlap, by their own claims", sum(leaders), leaders.flatMap(overlaps)),
    finding("fencing tokens grow from holder to holder", owned.length, lists.flatMap(shrinking)),
    finding(
      "nothing is claimed once its key is gone at the server",
      beliefs.length,
      claimedLate(beliefs, log),
    ),
    finding("what is lost is never claimed again", all.length, comeBack(all)),
    finding("left out above: ended early by a member that woke", robbed.size, []),
  ];
}

/** Pairs that were both certain at one moment. */
function overlaps(beliefs: readonly Belief[]): string[] {
  const sorted = [...beliefs].sort((a, b) => a.first[0] - b.first[0]);
  const found: string[] = [];
  let longest: Belief | undefined;
  for (const each of sorted) {
    if (longest !== undefined && areBothCertain(longest, each))
      found.push(`${nameOf(longest)} and ${nameOf(each)} at once, for ${overlapMs(longest, each)} ms`);
    if (longest === undefined || each.last[0] > longest.last[0]) longest = each;
  }
  return found;
}

function areBothCertain(a: Belief, b: Belief): boolean {
  const from = Math.max(a.first[1], b.first[1]);
  const until = Math.min(a.last[0], b.last[0]);
  if (from <= until) return true;
  // A single look lies somewhere between its ends: both of them have to be within the other's time.
  return b.first[0] >= a.first[1] && b.first[1] <= a.last[0];
}

function overlapMs(a: Belief, b: Belief): string {
  return ((Math.min(a.last[0], b.last[1]) - Math.max(a.first[1], b.first[0])) / 1e6).toFixed(1);
}

/** Whoever has a larger token came later. */
function shrinking(beliefs: readonly Belief[]): string[] {
  const falling = [...beliefs].sort((a, b) => Number(b.token) - Number(a.token));
  const found: string[] = [];
  let earliest: Belief | undefined;
  for (const each of falling) {
    const isSame = earliest?.token === each.token;
    if (earliest !== undefined && (isSame || earliest.first[1] < each.first[0]))
      found.push(`${nameOf(each)} came after ${nameOf(earliest)}`);
    if (earliest === undefined || each.first[1] < earliest.first[1]) earliest = each;
  }
  return found;
}

function claimedLate(beliefs: readonly Belief[], log: TrueLog): string[] {
  const goneAt = deletions(log);
  return beliefs.flatMap((belief) => {
    const gone = goneAt.get(belief.kind === "session" ? belief.key : `${belief.key} ${belief.token}`);
    if (gone === undefined || belief.last[0] <= gone) return [];
    const ms = ((belief.last[0] - gone) / 1e6).toFixed(1);
    return [`${nameOf(belief)} was claimed ${ms} ms after its key was seen to be gone`];
  });
}

/** How long after it was woken a member may still act on what it believed before. */
const WAKING_NS = 1e9;

/**
 * A member that led, and was paused, wakes as a leader to whom leases have not been renewed: in its first moments it may
 * revoke them, though its successor has renewed them since (etcd#15247; since 3.5.13 the time for that is short, and not
 * none). No client can know of that before its next renewal is refused.
 */
function robbedBeliefs(beliefs: readonly Belief[], log: TrueLog): ReadonlySet<Belief> {
  const goneAt = deletions(log);
  return new Set(
    beliefs.filter((belief) => {
      const gone = goneAt.get(belief.kind === "session" ? belief.key : `${belief.key} ${belief.token}`);
      if (gone === undefined || belief.last[0] <= gone) return false;
      return log.wakings.some((at) => at <= gone && gone <= at + WAKING_NS);
    }),
  );
}

/** When keys were known to be deleted, by the name of the key and by name and create revision. */
function deletions(log: TrueLog): Map<string, number> {
  const created = new Map<string, number>();
  const gone = new Map<string, number>();
  for (const { events, seenAt } of log.entries) {
    for (const { type, key, createRevision } of events) {
      if (type === "put") created.set(key, createRevision);
      else {
        gone.set(key, seenAt);
        gone.set(`${key} ${created.get(key) ?? 0}`, seenAt);
      }
    }
  }
  return gone;
}

function comeBack(beliefs: readonly Belief[]): string[] {
  return beliefs.filter(({ isBack }) => isBack).map((each) => `${nameOf(each)} came back`);
}

function nameOf({ process, kind, name, token }: Belief): string {
  return `${kind} ${name} of ${process} (token ${token})`;
}

function groupBy<T>(list: readonly T[], keyOf: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of list) {
    const key = keyOf(each);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [each]);
    else group.push(each);
  }
  return groups;
}
