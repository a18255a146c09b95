import type { Call, Model } from "./model.ts";
import { search } from "./search.ts";

/** How a call can be made to claim less, so that what it claimed can be told to be needed or not. */
export interface Weakening<Op> {
  /** The same with an unknown outcome; `undefined` for what then says nothing at all. */
  readonly weaken: (call: Call<Op>) => Call<Op> | undefined;
  /** Leaves out calls of unknown outcome that cannot help any other. */
  readonly relevant: (calls: readonly Call<Op>[]) => readonly Call<Op>[];
}

/** Searches, at most, for making a part smaller. */
const MAX_SEARCHES = 2_000;

/**
 * Looks for a small part of a history that is impossible by itself: first what went right before the suspect, or else the
 * shortest beginning, then without what can be taken back. A call is only weakened, never just removed: an order of the whole is then always one of the part, so that a
 * part that has none is proof.
 *
 * @returns What must stay, with known outcomes, in the order of invocation.
 */
export function minimise<Op, State>(
  model: Model<Op, State>,
  calls: readonly Call<Op>[],
  { weaken, relevant }: Weakening<Op>,
  maxSteps: number,
  suspect: Op | undefined,
): readonly Call<Op>[] {
  let stepsLeft = maxSteps;
  let searches = 0;
  const fails = (part: readonly Call<Op>[]): boolean => {
    if (stepsLeft <= 0 || searches >= MAX_SEARCHES) return false;
    const { outcome, steps } = search(model, relevant(part), Math.min(stepsLeft, maxSteps / 10));
    searches += 1;
    stepsLeft -= Math.max(1, steps);
    return outcome === "impossible";
  };
  const weakened = (each: Call<Op>): readonly Call<Op>[] => {
    const less = each.returned === undefined ? each : weaken(each);
    return less === undefined ? [] : [less];
  };

  let part = beforeSuspect(calls, suspect, weakened, fails) ?? shortestBeginning(calls, weakened, fails);
  const without = (candidates: readonly Call<Op>[]): void => {
    const wanted = new Set(candidates);
    for (
      let size = Math.ceil(candidates.length / 2);
      size >= 1;
      size = size === 1 ? 0 : Math.ceil(size / 2)
    ) {
      // From the front: what is long past matters least.
      for (const chunk of chunksOf(
        known(part).filter((each) => wanted.has(each)),
        size,
      )) {
        const gone = new Set(chunk);
        const smaller = part.flatMap((each) => (gone.has(each) ? weakened(each) : [each]));
        if (fails(smaller)) part = smaller;
      }
    }
  };
  // First what then says nothing at all: of an unknown outcome people would still have to think.
  without(known(part).filter((each) => weaken(each) === undefined));
  without(known(part));
  return known(part);
}

/** What had returned last when the suspect had: as few as are impossible, doubled until they are. */
function beforeSuspect<Op>(
  calls: readonly Call<Op>[],
  suspect: Op | undefined,
  weakened: (call: Call<Op>) => readonly Call<Op>[],
  fails: (part: readonly Call<Op>[]) => boolean,
): readonly Call<Op>[] | undefined {
  const end = calls.find(({ op }) => op === suspect)?.returned;
  if (end === undefined) return undefined;
  const returned = known(calls)
    .map((call) => ({ call, at: call.returned ?? 0n }))
    .filter(({ at }) => at <= end)
    .sort((a, b) => (a.at > b.at ? -1 : a.at < b.at ? 1 : 0));
  for (let size = 1; size < 2 * returned.length; size *= 2) {
    const kept = new Set(returned.slice(0, size).map(({ call }) => call));
    const part = calls.flatMap((each) => (kept.has(each) ? [each] : weakened(each)));
    if (fails(part)) return part;
  }
  return undefined;
}

/** Cuts the history off as early as it is still impossible; what had not returned by then has an unknown outcome. */
function shortestBeginning<Op>(
  calls: readonly Call<Op>[],
  weakened: (call: Call<Op>) => readonly Call<Op>[],
  fails: (part: readonly Call<Op>[]) => boolean,
): readonly Call<Op>[] {
  const ends = calls.flatMap(({ returned }) => (returned === undefined ? [] : [returned]));
  ends.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const until = (end: bigint): readonly Call<Op>[] =>
    calls
      .filter(({ invoked }) => invoked <= end)
      .flatMap((each) => (each.returned !== undefined && each.returned <= end ? [each] : weakened(each)));
  let [low, high] = [0, ends.length - 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (fails(until(ends[middle] as bigint))) high = middle;
    else low = middle + 1;
  }
  const end = ends[high];
  return end === undefined ? calls : until(end);
}

function known<Op>(calls: readonly Call<Op>[]): readonly Call<Op>[] {
  return calls.filter(({ returned }) => returned !== undefined);
}

function chunksOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
