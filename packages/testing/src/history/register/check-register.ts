import { HistoryError } from "../errors.ts";
import { type HistoryInput, sourceOf } from "../event.ts";
import { checkBounds, refuseUnknownOptions, type SearchBounds } from "../linearizability/bounds.ts";
import { minimise } from "../linearizability/minimise.ts";
import { search } from "../linearizability/search.ts";
import { describeOperation, type Operation, operationsOf } from "../operation.ts";
import { show } from "../parse-event.ts";
import { type Verdict, verdict, type Violation } from "../verdict.ts";
import { REGISTER_OPS, type RegisterCall, toRegisterCall, ValueNumbers } from "./register-calls.ts";
import { makes, registerModel, registerWeakening, valuesOf } from "./register-model.ts";

/** Further operations told with a violation. */
const MAX_RELATED = 5;

/** What {@link checkRegister} takes. */
export interface CheckRegisterOptions extends SearchBounds {
  /** What every key holds before the history. Default `null`, which stands for no key. */
  readonly initial?: unknown;
  /** Look at these keys only. Default: at every key that is read, written or swapped. */
  readonly keys?: readonly string[];
}

/**
 * Whether each key, by itself, was a linearizable register: whether every read gave the value of the last write, in some
 * order that keeps the order of operations that did not overlap. An operation of unknown outcome may take effect at any time
 * after its invocation, or never; one that failed had no effect and says nothing.
 *
 * It looks at these operations, each with a key:
 *
 * | op | value of the invocation | value of `ok` |
 * | --- | --- | --- |
 * | `read` | | the value; `null` or nothing for no key |
 * | `write` | the value; `null` or nothing deletes | |
 * | `cas` | `{ expected, next }` | whether it swapped: a boolean, or `{ swapped, found }` |
 *
 * A compare-and-swap that found another value is `ok` with `false`; `fail` says that it was not carried out at all. The more
 * the values differ from one another, the more a history says, and the faster it is judged.
 *
 * The only rule: `linearizable`.
 *
 * @throws HistoryError when the history is not well-formed, or one of these operations is not as above.
 */
export function checkRegister(history: HistoryInput, options: CheckRegisterOptions = {}): Verdict {
  refuseUnknownOptions(options, ["initial", "keys", "maxSteps"]);
  const { maxSteps } = checkBounds(options);
  const { operations, start } = operationsOf(history);
  const violations: Violation[] = [];
  const undecided: string[] = [];
  let checked = 0;
  for (const [key, ofKey] of byKey(operations)) {
    if (options.keys?.includes(key) === false) continue;
    const numbers = new ValueNumbers();
    const model = registerModel(numbers.numberOf(options.initial));
    const calls = ofKey.flatMap((each) => toRegisterCall(each, numbers) ?? []);
    checked += ofKey.length;
    const result = search(model, registerWeakening.relevant(calls), maxSteps);
    if (result.outcome === "undecided")
      undecided.push(
        `key ${show(key)}: given up after ${result.steps} steps over ${calls.length} operations`,
      );
    if (result.outcome === "impossible") {
      const part = new Set(minimise(model, calls, registerWeakening, maxSteps, result.stuckAt));
      violations.push(toViolation(key, withRelated(calls, part), options.initial, start));
    }
  }
  return verdict(violations, checked, undecided);
}

function byKey(operations: readonly Operation[]): ReadonlyMap<string, readonly Operation[]> {
  const groups = new Map<string, Operation[]>();
  for (const operation of operations) {
    const { op, key } = operation.invocation;
    if (!REGISTER_OPS.includes(op)) continue;
    if (key === undefined)
      throw new HistoryError("wrongValue", sourceOf(operation.invocation), `a ${op} without a key`);
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(operation);
  }
  return groups;
}

/** Adds the last few that could have made the values that matter, so that a reader sees why they did not. */
function withRelated(calls: readonly RegisterCall[], part: ReadonlySet<unknown>): readonly RegisterCall[] {
  const needed = calls.filter((call) => part.has(call));
  const values = new Set(needed.flatMap(({ op }) => valuesOf(op)));
  const end = needed.reduce((latest, { returned = 0n }) => (returned > latest ? returned : latest), 0n);
  const related = calls
    .filter((call) => !part.has(call) && values.has(makes(call.op) ?? -1) && call.invoked <= end)
    .slice(-MAX_RELATED);
  const shown = new Set([...needed, ...related]);
  return calls.filter((call) => shown.has(call));
}

function toViolation(key: string, part: readonly RegisterCall[], initial: unknown, start: bigint): Violation {
  const last = part.reduce<RegisterCall | undefined>((latest, each) => {
    if (each.returned === undefined) return latest;
    return latest?.returned === undefined || each.returned > latest.returned ? each : latest;
  }, undefined);
  const lines = part.map(({ operation }) => describeOperation(operation, start));
  const blamed =
    last === undefined ? "" : `; it became impossible with ${describeOperation(last.operation, start)}`;
  return {
    rule: "linearizable",
    subject: key,
    message: `no order of ${part.length === 1 ? "this operation" : `these ${part.length} operations`} gives what was given, from ${show(initial ?? null)} on${blamed}`,
    part: lines,
  };
}
