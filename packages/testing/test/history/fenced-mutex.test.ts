import { describe, expect, it } from "vitest";
import { checkFencedMutex, type HistoryEvent, HistoryError } from "../../src/history/index.ts";
import { brokenRules, history, note, operation } from "./support/build.ts";

type Span = readonly [number, number];
const acquire = (process: string, span: Span, token: number): HistoryEvent[] =>
  operation(process, "acquire", span, { result: { token: String(token) } });
const release = (process: string, span: Span, token: number): HistoryEvent[] =>
  operation(process, "release", span, { value: { token } });
const guarded = (
  process: string,
  span: Span,
  token: number,
  as: "ok" | "fail" | "info" = "ok",
): HistoryEvent[] => operation(process, "guardedWrite", span, { value: { token }, as });
const lost = (process: string, at: number, token: number, until?: number): HistoryEvent[] =>
  note(process, "lost", at, { token, until }, "k");
const holds = (process: string, at: number, token: number): HistoryEvent[] =>
  note(process, "holds", at, { token }, "k");

describe("a mutex's history in which nothing is wrong", () => {
  it.each<[string, HistoryEvent[]]>([
    ["is empty", []],
    [
      "has one after the other",
      history(acquire("a", [0, 1], 2), release("a", [2, 3], 2), acquire("b", [0, 4], 3)),
    ],
    [
      "lets the next one in while the release is under way",
      history(acquire("a", [0, 1], 2), release("a", [2, 9], 2), acquire("b", [0, 4], 3)),
    ],
    [
      "lets the next one in after a loss",
      history(acquire("a", [0, 1], 2), lost("a", 5, 2), acquire("b", [0, 6], 3), release("b", [7, 8], 3)),
    ],
    [
      "knows a loss that was told late",
      history(acquire("a", [0, 1], 2), acquire("b", [0, 6], 3), lost("a", 9, 2, 5)),
    ],
    [
      "knows an acquisition that was told late, and was lost by then",
      history(
        acquire("a", [0, 9], 2),
        acquire("b", [0, 6], 3),
        lost("a", 10, 2, 5),
        release("b", [11, 12], 3),
      ),
    ],
    [
      "lets the next one in after a kill",
      history(acquire("a", [0, 1], 2), note("main", "killed", 3, { process: "a" }), acquire("b", [0, 6], 3)),
    ],
    [
      "does not mind a release that nothing completed, nor one after a loss",
      history(
        acquire("a", [0, 1], 2),
        operation("a", "release", [2, 3], { value: { token: 2 }, as: "lost" }),
        acquire("b", [0, 6], 3),
        lost("b", 7, 3),
        release("b", [8, 9], 3),
        acquire("c", [0, 20], 4),
      ),
    ],
    [
      "does not mind acquisitions that failed, or of which nobody knows",
      history(
        operation("a", "acquire", [0, 1], { as: "fail" }),
        operation("b", "acquire", [0, 1], { as: "info" }),
        operation("c", "acquire", [0, 1], { as: "lost" }),
        operation("d", "acquire", [0, 1], { as: "info", result: { error: "timed out" } }),
        acquire("e", [0, 4], 9),
      ),
    ],
    [
      "accepts writes of the holder, and refuses those of an older one",
      history(
        acquire("a", [0, 1], 2),
        guarded("a", [2, 3], 2),
        lost("a", 4, 2),
        acquire("b", [0, 6], 3),
        guarded("b", [7, 8], 3),
        guarded("b", [9, 10], 3),
        guarded("a", [11, 12], 2, "fail"),
        guarded("a", [13, 14], 2, "info"),
      ),
    ],
    [
      "has samples within the claim",
      history(
        acquire("a", [0, 1], 2),
        holds("a", 3, 2),
        operation("a", "holds", [4, 5], { value: { token: 2 }, result: true }),
        release("a", [6, 7], 2),
        operation("a", "holds", [8, 9], { value: { token: 2 }, result: false }),
      ),
    ],
    [
      "does not mind a process that was paused while it was asked",
      history(
        acquire("a", [0, 1], 2),
        operation("a", "holds", [3, 9], { value: { token: 2 }, result: true }),
        acquire("b", [0, 7], 3),
        lost("a", 10, 2, 5),
      ),
    ],
  ])("%s", (_, events) => expect(checkFencedMutex(events)).toMatchObject({ ok: true, violations: [] }));

  it("may have an accepted write of an old holder where the store knows only the highest token written", () => {
    const events = history(
      acquire("a", [0, 1], 2),
      lost("a", 4, 2),
      acquire("b", [0, 6], 3),
      guarded("a", [7, 8], 2),
      guarded("b", [9, 10], 3),
    );
    expect(checkFencedMutex(events).ok).toBe(true);
    expect(brokenRules(checkFencedMutex(events, { guard: "owner" }))).toEqual(["linearizable"]);
  });

  it("is judged lock by lock", () => {
    const both = history(
      operation("a", "acquire", [0, 1], { key: "x", result: { token: 2 } }),
      operation("a", "acquire", [2, 3], { key: "y", result: { token: 2 } }),
      operation("b", "acquire", [4, 5], { key: "y", result: { token: 3 } }),
    );
    expect(checkFencedMutex(both).violations.map(({ subject }) => subject)).toEqual(["y", "y"]);
    expect(checkFencedMutex(both, { keys: ["x"] })).toMatchObject({ ok: true, checked: 1 });
  });
});

describe("a mutex's history in which something is wrong breaks", () => {
  const a = acquire("a", [0, 1], 2);
  it.each<[string[], string, HistoryEvent[]]>([
    [["linearizable", "overlap"], "two at once", history(a, acquire("b", [0, 3], 3))],
    [
      ["linearizable", "overlap"],
      "two at once, one of which releases later",
      history(a, acquire("b", [0, 3], 3), release("a", [4, 5], 2)),
    ],
    [
      ["linearizable", "overlap"],
      "a loss told too late",
      history(a, acquire("b", [0, 3], 3), lost("a", 4, 2)),
    ],
    [
      ["linearizable", "overlap"],
      "a loss that came after the next one's turn",
      history(a, acquire("b", [0, 3], 3), lost("a", 9, 2, 5)),
    ],
    [
      ["linearizable", "overlap"],
      "a release that failed to let go",
      history(
        a,
        operation("a", "release", [5, 6], { value: { token: 2 }, as: "fail" }),
        acquire("b", [0, 3], 3),
      ),
    ],
    [
      ["heldAfterEnd", "overlap"],
      "a sample during another's claim",
      history(a, acquire("b", [0, 6], 3), holds("a", 8, 2), release("b", [20, 21], 3), lost("a", 30, 2, 5)),
    ],
    [["heldAfterEnd"], "a sample after the release", history(a, release("a", [2, 3], 2), holds("a", 4, 2))],
    [["heldAfterEnd"], "a sample after the loss", history(a, lost("a", 2, 2), holds("a", 4, 2))],
    [
      ["heldAfterEnd"],
      "a sample with a token that was not had",
      history(a, release("a", [2, 3], 2), holds("a", 4, 7)),
    ],
    [
      ["linearizable", "tokens"],
      "an older token",
      history(acquire("a", [0, 1], 5), release("a", [2, 3], 5), acquire("b", [4, 5], 3)),
    ],
    [
      ["linearizable", "tokens"],
      "the same token",
      history(acquire("a", [0, 1], 5), release("a", [2, 3], 5), acquire("b", [4, 5], 5)),
    ],
    [["tokens"], "a write with nobody's token", history(a, guarded("b", [2, 3], 9))],
    [
      ["linearizable", "staleWrite"],
      "an old holder's write after the new one's",
      history(a, lost("a", 2, 2), acquire("b", [3, 4], 3), guarded("b", [5, 6], 3), guarded("a", [7, 8], 2)),
    ],
  ])("%j: %s", (rules, _, events) => {
    expect(brokenRules(checkFencedMutex(events))).toEqual(rules);
  });

  it("no rule about claims where the search alone can tell: a lock that was free between losses of others", () => {
    // By their own claims they never overlap; but b had it before anybody had told that it was free.
    const events = history(a, acquire("b", [2, 3], 3), lost("b", 4, 3, 3), lost("a", 5, 2, 4));
    expect(brokenRules(checkFencedMutex(events))).toEqual(["linearizable"]);
  });

  it("and the violation names the operations", () => {
    const events = history(
      ...Array.from({ length: 50 }, (_, index) => [
        ...acquire("a", [index * 10, index * 10 + 1], index + 2),
        ...release("a", [index * 10 + 2, index * 10 + 3], index + 2),
      ]),
      acquire("b", [500, 501], 100),
      acquire("c", [502, 503], 101),
    );
    const { violations } = checkFencedMutex(events);
    expect(violations.map(({ rule }) => rule)).toEqual(["overlap", "linearizable"]);
    expect(violations[0]?.message).toBe("c held token 101 while b still held token 100");
    for (const { part } of violations) {
      expect(part).toHaveLength(2);
      expect(part[0]).toContain("b#");
      expect(part[1]).toContain("c#");
    }
  });

  it.each<[string, HistoryEvent[]]>([
    ["an acquisition without a token", operation("a", "acquire", [0, 1])],
    ["a token that is none", operation("a", "acquire", [0, 1], { result: { token: "x" } })],
    ["a release without one", operation("a", "release", [0, 1])],
    ["a loss that ended at no time", note("a", "lost", 1, { token: 2, until: "soon" }, "k")],
    ["a loss without a key", note("a", "lost", 1, { token: 2 })],
  ])("and what is not as it must be is refused: %s", (_, events) => {
    expect(() => checkFencedMutex(events)).toThrow(HistoryError);
  });

  it("and so are options", () => {
    expect(() => checkFencedMutex([], { guard: "none" as never })).toThrow(
      'option "guard" to be "highest" or "owner"',
    );
  });
});
