import { describe, expect, it } from "vitest";
import { checkRegister, type HistoryEvent, HistoryError } from "../../src/history/index.ts";
import { cas, history, operation, read, write } from "./support/build.ts";

describe("a register's history in which nothing is wrong", () => {
  it.each<[string, HistoryEvent[]]>([
    ["is empty", []],
    ["reads nothing before the first write", history(read("a", [0, 1], null), write("a", [2, 3], 1))],
    ["reads what was written", history(write("a", [0, 1], 1), read("b", [2, 3], 1))],
    ["reads a write that is under way", history(write("a", [0, 9], 1), read("b", [2, 3], 1))],
    ["does not read it yet", history(write("a", [0, 9], 1), read("b", [2, 3], null))],
    [
      "orders overlapping writes either way",
      history(write("a", [0, 9], 1), write("b", [0, 9], 2), read("c", [10, 11], 1), read("c", [12, 13], 1)),
    ],
    [
      "reads between two writes that overlap both",
      history(write("a", [0, 9], 1), write("b", [1, 9], 2), read("c", [2, 3], 2), read("c", [4, 5], 1)),
    ],
    ["swaps", history(write("a", [0, 1], 1), cas("b", [2, 3], [1, 2], true), read("a", [4, 5], 2))],
    ["swaps from nothing", history(cas("b", [2, 3], [null, 2], true), read("a", [4, 5], 2))],
    ["does not swap", history(write("a", [0, 1], 1), cas("b", [2, 3], [7, 2], false), read("a", [4, 5], 1))],
    [
      "tells what it found",
      history(write("a", [0, 1], 1), cas("b", [2, 3], [7, 2], { swapped: false, found: 1 })),
    ],
    ["deletes", history(write("a", [0, 1], 1), write("a", [2, 3], null), read("a", [4, 5], null))],
    ["never had what failed", history(write("a", [0, 1], 1, "fail"), read("b", [2, 3], null))],
    ["had what is unknown", history(write("a", [0, 1], 1, "info"), read("b", [2, 3], 1))],
    [
      "had it long after",
      history(write("a", [0, 1], 1, "info"), read("b", [2, 3], null), read("b", [9, 10], 1)),
    ],
    ["never had it", history(write("a", [0, 1], 1, "info"), read("b", [2, 3], null))],
    ["had what nothing completed", history(write("a", [0, 1], 1, "lost"), read("b", [2, 3], 1))],
    [
      "had a chain of unknown swaps",
      history(
        cas("a", [0, 1], [null, 1], undefined, "info"),
        cas("b", [0, 1], [1, 2], undefined, "lost"),
        read("c", [2, 3], 2),
      ),
    ],
    [
      "had something unknown in the way of a swap",
      history(write("a", [0, 1], 1, "info"), cas("b", [2, 3], [null, 2], false)),
    ],
    [
      "overwrites a value and has it again from somebody unknown",
      history(
        write("a", [0, 1], 1),
        write("u", [0, 1], 1, "info"),
        write("a", [2, 3], 2),
        read("a", [4, 5], 1),
        read("a", [6, 7], 1),
      ),
    ],
    ["ends and begins in the same moment", history(write("a", [0, 5], 1), read("b", [5, 9], null))],
    [
      "knows JSON, whatever the order of fields",
      history(write("a", [0, 1], { x: 1, y: [2] }), read("b", [2, 3], { y: [2], x: 1 })),
    ],
  ])("%s", (_, events) => expect(checkRegister(events)).toMatchObject({ ok: true, violations: [] }));

  it("begins with another value, when told so", () => {
    expect(checkRegister(read("a", [0, 1], "x"), { initial: "x" }).ok).toBe(true);
    expect(checkRegister(read("a", [0, 1], null), { initial: "x" }).ok).toBe(false);
  });

  it("is judged key by key, and counts what it looked at", () => {
    const events = history(
      operation("a", "write", [0, 1], { key: "x", value: 1 }),
      operation("a", "read", [2, 3], { key: "y", result: null }),
      operation("a", "read", [4, 5], { key: "x", result: null }),
      operation("a", "proclaim", [6, 7], { key: "x" }),
    );
    expect(checkRegister(events)).toMatchObject({ ok: false, checked: 3, violations: [{ subject: "x" }] });
    expect(checkRegister(events, { keys: ["y"] })).toMatchObject({ ok: true, checked: 1 });
  });
});

describe("a register's history in which something is wrong:", () => {
  it.each<[string, HistoryEvent[]]>([
    ["a value from nowhere", history(write("a", [0, 1], 1), read("b", [2, 3], 2))],
    ["a stale read", history(write("a", [0, 1], 1), write("a", [2, 3], 2), read("b", [4, 5], 1))],
    ["a lost write", history(write("a", [0, 1], 1), read("b", [2, 3], null))],
    ["a read of the future", history(read("b", [0, 1], 1), write("a", [2, 3], 1))],
    ["a write that failed was read", history(write("a", [0, 1], 1, "fail"), read("b", [2, 3], 1))],
    [
      "a read of an unknown write before it began",
      history(read("b", [0, 1], 1), write("a", [2, 3], 1, "info")),
    ],
    [
      "back and forth",
      history(write("a", [0, 9], 1), write("b", [0, 9], 2), read("c", [10, 11], 1), read("c", [12, 13], 2)),
    ],
    [
      "an unknown write that took effect twice",
      history(
        write("a", [0, 1], 1, "info"),
        read("b", [2, 3], 1),
        write("b", [4, 5], 2),
        read("b", [6, 7], 2),
        read("b", [8, 9], 1),
        write("b", [10, 11], 3),
        read("b", [12, 13], 1),
      ),
    ],
    ["a swap of what was not there", history(write("a", [0, 1], 1), cas("b", [2, 3], [7, 2], true))],
    ["no swap of what was there", history(write("a", [0, 1], 1), cas("b", [2, 3], [1, 2], false))],
    [
      "a swap that found what was not there",
      history(write("a", [0, 1], 1), cas("b", [2, 3], [7, 2], { swapped: false, found: 3 })),
    ],
    [
      "two swaps of the same value",
      history(cas("a", [0, 9], [null, 1], true), cas("b", [0, 9], [null, 2], true)),
    ],
    [
      "a swap that told it failed and did not",
      history(cas("a", [0, 1], [null, 1], undefined, "fail"), read("b", [2, 3], 1)),
    ],
    [
      "two reads in different orders",
      history(
        write("a", [0, 99], 1),
        write("b", [0, 99], 2),
        read("c", [1, 2], 1),
        read("d", [3, 4], 2),
        read("c", [5, 6], 1),
      ),
    ],
  ])("%s", (_, events) => {
    const { outcome, violations } = checkRegister(events);
    expect(outcome).toBe("violated");
    expect(violations).toMatchObject([{ rule: "linearizable", subject: "k" }]);
  });

  it("tells the smallest part of a long history", () => {
    const noise = Array.from({ length: 300 }, (_, index) => [
      ...write("n", [index * 10, index * 10 + 2], `n${index}`),
      ...read("m", [index * 10 + 3, index * 10 + 4], `n${index}`),
    ]);
    const events = history(...noise, read("bad", [2_007, 2_008], "n150"));
    const [violation] = checkRegister(events).violations;
    expect(violation?.part).toHaveLength(3);
    expect(violation?.part[0]).toContain('write "n150" → ok');
    // Any that returned before the read began would do.
    expect(violation?.part[1]).toContain('write "n200" → ok');
    expect(violation?.part[2]).toMatch(
      /^bad#\d+ read → ok "n150" \[0.002, 0.002\] ms \(bad#\d+ invoke, bad#\d+ ok\)$/,
    );
    expect(violation?.message).toContain("it became impossible with bad#");
  });

  it.each<[string, HistoryEvent[], string]>([
    [
      "a cas without what it expects",
      operation("a", "cas", [0, 1], { value: 7, result: true }),
      "{ expected, next }",
    ],
    ["a cas that tells nothing", cas("a", [0, 1], [1, 2], undefined), "a boolean or { swapped, found }"],
    [
      "a read without a key",
      [{ time: "1", process: "a", id: 1, type: "invoke", op: "read" }],
      "a read without a key",
    ],
  ])("refuses %s", (_, events, message) => {
    expect(() => checkRegister(events)).toThrow(HistoryError);
    expect(() => checkRegister(events)).toThrow(message);
  });

  it("refuses unknown and wrong options", () => {
    expect(() => checkRegister([], { maxStep: 1 } as never)).toThrow('Unknown option "maxStep"');
    expect(() => checkRegister([], { maxSteps: 0 })).toThrow(
      'option "maxSteps" to be a whole number of at least 1, got 0',
    );
  });
});
