import { expect, it } from "vitest";
import { checkFencedMutex, checkRegister, formatVerdict } from "../../src/history/index.ts";
import { history, operation, read, write } from "./support/build.ts";

it("is not ok when a search was given up, and says so", () => {
  const events = history(write("a", [0, 1], 1), write("a", [2, 3], 2), read("a", [4, 5], 2));
  const verdict = checkRegister(events, { maxSteps: 1 });
  expect(verdict).toMatchObject({ ok: false, outcome: "undecided", violations: [], checked: 3 });
  expect(verdict.undecided).toEqual(['key "k": given up after 2 steps over 3 operations']);
  expect(formatVerdict("registers", verdict)).toBe(
    'registers: undecided, 3 checked, 0 violations\n  undecided: key "k": given up after 2 steps over 3 operations',
  );
  const locks = [2, 3, 4].flatMap((token, index) => [
    ...operation("a", "acquire", [10 * index, 10 * index + 1], { result: { token } }),
    ...operation("a", "release", [10 * index + 2, 10 * index + 3], { value: { token } }),
  ]);
  expect(checkFencedMutex(locks, { maxSteps: 1 }).undecided).toEqual([
    'lock "k": given up after 2 steps over 6 operations',
  ]);
});

it("tells people each violation with its part", () => {
  const text = formatVerdict(
    "registers",
    checkRegister(history(write("a", [0, 1], 1), read("b", [2, 3], 7))),
  );
  expect(text.split("\n")).toEqual([
    "registers: violated, 2 checked, 1 violations",
    expect.stringMatching(
      /^ {2}linearizable \(k\): no order of this operation gives .* with b#\d+ read → ok 7/,
    ),
    expect.stringMatching(/^ {4}b#\d+ read → ok 7 \[0.000, 0.000\] ms \(b#\d+ invoke, b#\d+ ok\)$/),
  ]);
});

it("in one line when all is well", () => {
  expect(formatVerdict("registers", checkRegister([]))).toBe("registers: ok, 0 checked, 0 violations");
});
