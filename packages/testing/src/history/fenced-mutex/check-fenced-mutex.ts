import { type Claim, type ClaimWords, claimsOf, samplesOf } from "../claims/claim.ts";
import { byKey, heldAfterEnd, overlaps, tokensGrow } from "../claims/overlap.ts";
import type { HistoryInput } from "../event.ts";
import { checkBounds, refuseUnknownOptions, type SearchBounds } from "../linearizability/bounds.ts";
import { minimise } from "../linearizability/minimise.ts";
import { search } from "../linearizability/search.ts";
import { operationsOf } from "../operation.ts";
import { show } from "../parse-event.ts";
import { type Verdict, verdict, type Violation } from "../verdict.ts";
import { foreignWrites, staleWrites } from "./guarded-writes.ts";
import { type MutexCall, toMutexCalls } from "./mutex-calls.ts";
import { type MutexGuard, mutexModel, mutexWeakening } from "./mutex-model.ts";

const WORDS: ClaimWords = { begin: "acquire", end: "release" };

/** What {@link checkFencedMutex} takes. */
export interface CheckFencedMutexOptions extends SearchBounds {
  /**
   * What an accepted write proves. `"highest"`, the default: no write with a larger token was accepted before. `"owner"`:
   * the token's holder was still the owner in the store, as a transaction that compares the lock's key proves.
   */
  readonly guard?: MutexGuard;
  /** Look at these locks only. Default: at every key that is acquired. */
  readonly keys?: readonly string[];
}

/**
 * Whether each lock was a mutex with fencing tokens. It looks at these lines, each with the lock's name as its key:
 *
 * | op | value | |
 * | --- | --- | --- |
 * | `acquire` | `ok`: `{ token }` | the claim begins with `ok`; `fail`: it was not acquired |
 * | `release` | invocation: `{ token }` | the claim ends with the invocation |
 * | `lost`, a note | `{ token, until }` | the claim ended: at `until`, if that is given, else now |
 * | `holds`, a note | `{ token }` | the process believes at this moment that it holds the lock |
 * | `holds` | invocation: `{ token }`, `ok`: a boolean | the same, where the process could be paused while it is asked |
 * | `guardedWrite` | invocation: `{ token }` | `ok`: accepted; `fail`: refused |
 * | `killed`, a note without a key | `{ process }` | all claims of that process end |
 *
 * Tokens are decimal strings or whole numbers. `until` is the moment, on the clock of the history, from which the process
 * could not prove any more that it held the lock: one that is paused ends its claim without being there to say so.
 *
 * The rules: `overlap` (two claims at once, or a sample within another's claim), `heldAfterEnd` (a sample after the end of
 * the claim), `tokens` (had twice, not growing, or written with by nobody's), `staleWrite` (accepted after one with a larger
 * token), and `linearizable` (no order of acquisitions, releases, losses and accepted writes is one of a fenced mutex).
 *
 * @throws HistoryError when the history is not well-formed, or one of these lines is not as above.
 */
export function checkFencedMutex(history: HistoryInput, options: CheckFencedMutexOptions = {}): Verdict {
  refuseUnknownOptions(options, ["guard", "keys", "maxSteps"]);
  const { guard = "highest", keys } = options;
  if (guard !== "highest" && guard !== "owner")
    throw new TypeError(`Expected option "guard" to be "highest" or "owner", got ${show(guard)}`);
  const { maxSteps } = checkBounds(options);
  const operations = operationsOf(history);
  const { start } = operations;
  const claims = claimsOf(operations, WORDS);
  const calls = toMutexCalls(operations, claims);
  const violations: Violation[] = [];
  const undecided: string[] = [];
  let checked = 0;
  for (const key of mutexesIn(calls, claims)) {
    if (keys?.includes(key) === false) continue;
    const ofKey = calls.filter((each) => each.key === key);
    checked += ofKey.length;
    const [held] = byKey(
      claims.filter((each) => each.key === key),
      samplesOf(operations),
    );
    if (held !== undefined)
      violations.push(...overlaps(held), ...heldAfterEnd(held), ...tokensGrow(held, start));
    violations.push(...staleWrites(key, ofKey), ...foreignWrites(key, ofKey));
    const model = mutexModel(guard);
    const result = search(model, mutexWeakening.relevant(ofKey), maxSteps);
    if (result.outcome === "undecided")
      undecided.push(
        `lock ${show(key)}: given up after ${result.steps} steps over ${ofKey.length} operations`,
      );
    if (result.outcome !== "impossible") continue;
    const part = new Set<unknown>(minimise(model, ofKey, mutexWeakening, maxSteps, result.stuckAt));
    violations.push({
      rule: "linearizable",
      subject: key,
      message: `no order of these ${part.size} operations is one of a mutex whose tokens grow`,
      part: ofKey.filter((call) => part.has(call)).map(({ line }) => line),
    });
  }
  return verdict(violations, checked, undecided);
}

/** Keys that are acquired; a loss or a sample alone may be that of an election. */
function mutexesIn(calls: readonly MutexCall[], claims: readonly Claim[]): ReadonlySet<string> {
  const own = calls.filter(({ op }) => op.kind !== "free").map(({ key }) => key);
  return new Set([...own, ...claims.map(({ key }) => key)]);
}
