import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkLeadership, type HistoryEvent, HistoryError } from "../../src/history/index.ts";
import { brokenRules, history, note, operation } from "./support/build.ts";

type Span = readonly [number, number];
const elected = (process: string, span: Span, token: number): HistoryEvent[] =>
  operation(process, "campaign", span, { result: { token: String(token) } });
const resign = (process: string, span: Span, token: number): HistoryEvent[] =>
  operation(process, "resign", span, { value: { token } });
const lost = (process: string, at: number, token: number, until?: number): HistoryEvent[] =>
  note(process, "lost", at, { token, until }, "k");

describe("leaderships", () => {
  it.each<[string, HistoryEvent[]]>([
    ["of nobody", []],
    [
      "one after the other",
      history(elected("a", [0, 1], 2), resign("a", [5, 6], 2), elected("b", [0, 5], 3)),
    ],
    ["after a loss", history(elected("a", [0, 1], 2), lost("a", 5, 2), elected("b", [0, 6], 3))],
    ["after a pause", history(elected("a", [0, 1], 2), elected("b", [0, 6], 3), lost("a", 9, 2, 4))],
    [
      "after a kill",
      history(elected("a", [0, 1], 2), note("main", "killed", 2, { process: "a" }), elected("b", [0, 6], 3)),
    ],
    ["that never came", history(operation("a", "campaign", [0, 9], { as: "fail" }), elected("b", [0, 6], 3))],
  ])("%s are as they should be", (_, events) => {
    expect(checkLeadership(events)).toMatchObject({ ok: true, violations: [] });
  });

  it.each<[string, string, HistoryEvent[]]>([
    ["overlap", "two leaders", history(elected("a", [0, 1], 2), elected("b", [0, 3], 3))],
    [
      "overlap",
      "a loss told too late",
      history(elected("a", [0, 1], 2), elected("b", [0, 3], 3), lost("a", 9, 2, 4)),
    ],
    [
      "overlap",
      "a leader within a long term of another",
      history(
        elected("a", [0, 1], 2),
        elected("b", [0, 3], 3),
        resign("b", [4, 5], 3),
        resign("a", [9, 9], 2),
      ),
    ],
    [
      "tokens",
      "an older token",
      history(elected("a", [0, 1], 5), resign("a", [2, 3], 5), elected("b", [0, 4], 3)),
    ],
    [
      "tokens",
      "the same token",
      history(elected("a", [0, 1], 5), resign("a", [2, 3], 5), elected("b", [0, 4], 5)),
    ],
    [
      "heldAfterEnd",
      "a leader that does not know of its end",
      history(elected("a", [0, 1], 2), resign("a", [2, 3], 2), note("a", "holds", 5, { token: 2 }, "k")),
    ],
  ])("break %s: %s", (rule, _, events) => {
    const verdict = checkLeadership(events);
    expect(brokenRules(verdict)).toEqual([rule]);
    expect(verdict.violations[0]?.part.length).toBe(2);
  });

  it("overlap with a long one, though a short one stands between", () => {
    const events = history(
      elected("a", [0, 1], 2),
      resign("a", [20, 21], 2),
      elected("b", [0, 3], 3),
      resign("b", [4, 5], 3),
      elected("c", [0, 6], 4),
      resign("c", [7, 8], 4),
    );
    expect(checkLeadership(events).violations.map(({ message }) => message)).toEqual([
      "b held token 3 while a still held token 2",
      "c held token 4 while a still held token 2",
    ]);
  });

  it("are added up, and so is the time without one", () => {
    const ms = 1_000_000;
    const events = history(
      elected("a", [10 * ms, 15 * ms], 2),
      resign("a", [20 * ms, 21 * ms], 2),
      elected("b", [12 * ms, 28 * ms], 3),
      lost("b", 40 * ms, 3, 35 * ms),
      elected("c", [12 * ms, 36 * ms], 4),
      note("main", "end", 50 * ms, {}),
    );
    const summary = { key: "k", terms: 3, totalMs: 40, withoutLeaderMs: 5 + 8 + 1, longestGapMs: 8 };
    expect(checkLeadership(events).elections).toEqual([summary]);
    expect(checkLeadership(events, { keys: ["other"] }).elections).toEqual([]);
    const nobody = history(operation("a", "campaign", [0, 7 * ms], { as: "fail" }));
    expect(checkLeadership(nobody).elections).toMatchObject([{ terms: 0, totalMs: 7, withoutLeaderMs: 7 }]);
  });

  it("need their tokens", () => {
    expect(() => checkLeadership(operation("a", "campaign", [0, 1]))).toThrow(HistoryError);
    expect(() => checkLeadership([], { key: "k" } as never)).toThrow('Unknown option "key"');
  });
});

describe("terms that follow each other", () => {
  interface Term {
    readonly from: number;
    readonly until: number;
    readonly token: number;
    readonly ended: "resign" | "lost" | "late";
  }
  const terms = fc
    .array(
      fc.record({
        pause: fc.integer({ min: 0, max: 9 }),
        length: fc.integer({ min: 2, max: 20 }),
        ended: fc.constantFrom("resign" as const, "lost" as const, "late" as const),
        step: fc.integer({ min: 1, max: 5 }),
      }),
      { minLength: 2, maxLength: 12 },
    )
    .map((each) => {
      let [time, token] = [10, 1];
      return each.map(({ pause, length, ended, step }): Term => {
        const from = time + pause;
        time = from + length;
        token += step;
        return { from, until: time, token, ended };
      });
    });
  const toHistory = (all: readonly Term[]): HistoryEvent[] =>
    history(
      ...all.map(({ from, until, token, ended }, index) => {
        const process = `p${index}`;
        const end = {
          resign: () => resign(process, [until, until + 3], token),
          lost: () => lost(process, until, token),
          late: () => lost(process, until + 50, token, until),
        };
        return [...elected(process, [index, from], token), ...end[ended]()];
      }),
    );
  const changed = (
    all: readonly Term[],
    choice: number,
    change: (term: Term, next: Term) => Term,
  ): Term[] => {
    const at = choice % (all.length - 1);
    return all.map((term, index) => (index === at ? change(term, all[at + 1] as Term) : term));
  };

  it("pass, and fail with one that lasts too long or has too large a token", () => {
    fc.assert(
      fc.property(terms, fc.nat(), (all, choice) => {
        expect(checkLeadership(toHistory(all))).toMatchObject({ ok: true, checked: all.length });
        const longer = changed(all, choice, (term, next) => ({ ...term, until: next.from + 1 }));
        expect(brokenRules(checkLeadership(toHistory(longer)))).toEqual(["overlap"]);
        const newer = changed(all, choice, (term, next) => ({ ...term, token: next.token + 1_000 }));
        expect(brokenRules(checkLeadership(toHistory(newer)))).toEqual(["tokens"]);
        const twice = changed(all, choice, (term, next) => ({ ...term, token: next.token }));
        expect(brokenRules(checkLeadership(toHistory(twice)))).toEqual(["tokens"]);
      }),
      { numRuns: 300 },
    );
  });
});
