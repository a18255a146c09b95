import { type Claim, type ClaimWords, claimsOf, samplesOf } from "../claims/claim.ts";
import { byKey, heldAfterEnd, overlaps, tokensGrow } from "../claims/overlap.ts";
import { keyOf } from "../claims/token.ts";
import type { HistoryInput } from "../event.ts";
import { refuseUnknownOptions } from "../linearizability/bounds.ts";
import { operationsOf } from "../operation.ts";
import { type Verdict, verdict } from "../verdict.ts";

const WORDS: ClaimWords = { begin: "campaign", end: "resign" };

/** What {@link checkLeadership} takes. */
export interface CheckLeadershipOptions {
  /** Look at these elections only. Default: at every key that is campaigned for. */
  readonly keys?: readonly string[];
}

/** One election, from its first campaign to the end of the history. */
export interface ElectionSummary {
  readonly key: string;
  /** Leaderships that began. */
  readonly terms: number;
  readonly totalMs: number;
  /** Of `totalMs`, that in which no process believed itself leader. */
  readonly withoutLeaderMs: number;
  /** The longest time on end without a leader. */
  readonly longestGapMs: number;
}

/** What {@link checkLeadership} found. */
export interface LeadershipVerdict extends Verdict {
  readonly elections: readonly ElectionSummary[];
}

/**
 * Whether at no time two processes believed themselves leader of the same election, and whether every later leader had the
 * larger token. It looks at these lines, each with the election's name as its key:
 *
 * | op | value | |
 * | --- | --- | --- |
 * | `campaign` | `ok`: `{ token }` | leader from `ok` on; `fail`: not elected |
 * | `resign` | invocation: `{ token }` | no leader from the invocation on |
 * | `lost`, a note | `{ token, until }` | leader until `until`, if that is given, else until now |
 * | `holds`, a note or an operation | as for {@link checkFencedMutex} | the process believes itself leader |
 * | `killed`, a note without a key | `{ process }` | all leaderships of that process end |
 *
 * The rules: `overlap`, `heldAfterEnd` and `tokens`, as for {@link checkFencedMutex}. It also adds up the time without a
 * leader, which no rule bounds: that is for the caller to judge.
 *
 * @throws HistoryError when the history is not well-formed, or one of these lines is not as above.
 */
export function checkLeadership(
  history: HistoryInput,
  options: CheckLeadershipOptions = {},
): LeadershipVerdict {
  refuseUnknownOptions(options, ["keys"]);
  const operations = operationsOf(history);
  const begun = new Map<string, bigint>();
  for (const { invocation, invoked } of operations.operations)
    if (invocation.op === WORDS.begin && !begun.has(keyOf(invocation))) begun.set(keyOf(invocation), invoked);
  const wanted = (key: string): boolean => options.keys?.includes(key) ?? true;
  const claims = claimsOf(operations, WORDS).filter(({ key }) => wanted(key));
  const samples = samplesOf(operations);
  const violations = byKey(claims, samples).flatMap((each) => [
    ...overlaps(each),
    ...heldAfterEnd(each),
    ...tokensGrow(each, operations.start),
  ]);
  const elections = [...begun]
    .filter(([key]) => wanted(key))
    .map(([key, from]) =>
      summarise(
        key,
        claims.filter((each) => each.key === key),
        from,
        operations.end,
      ),
    );
  return { ...verdict(violations, claims.length), elections };
}

function summarise(key: string, claims: readonly Claim[], from: bigint, end: bigint): ElectionSummary {
  let [covered, without, longest] = [from, 0n, 0n];
  const noLeader = (until: bigint): void => {
    const gap = until - covered;
    if (gap <= 0n) return;
    without += gap;
    longest = gap > longest ? gap : longest;
  };
  for (const claim of claims) {
    noLeader(claim.from);
    const until = claim.until ?? end;
    covered = until > covered ? until : covered;
  }
  noLeader(end);
  return {
    key,
    terms: claims.length,
    totalMs: Number(end - from) / 1e6,
    withoutLeaderMs: Number(without) / 1e6,
    longestGapMs: Number(longest) / 1e6,
  };
}
