import { expect, it } from "vitest";
import { firstMismatch, type Pair, type Side } from "./compare.ts";
import { type Difference, rewrite, spared } from "./differences.ts";
import type { Plain } from "./normalise.ts";

type Step = "ask" | "do";

/** A server that gives these answers, and then the last of them for ever. */
function answering(...answers: readonly Plain[]): Side<Step> & { asked: number } {
  return {
    asked: 0,
    begin: async () => {},
    async run() {
      this.asked += 1;
      return answers[Math.min(this.asked, answers.length) - 1] ?? null;
    },
    end: () => {},
    close: () => {},
  };
}

function pairOf(etcd: Side<Step>, embedded: Side<Step>): Pair<Step> {
  return {
    etcd,
    embedded,
    version: "3.5.30",
    mayLag: (step) => step === "ask",
    [Symbol.asyncDispose]: async () => {},
  };
}

it("a server that lags is asked again, and the other one is not", async () => {
  const [etcd, embedded] = [answering("old", "old", "new"), answering("new")];
  expect(await firstMismatch(pairOf(etcd, embedded), ["ask"])).toBeUndefined();
  expect([etcd.asked, embedded.asked]).toEqual([3, 1]);
});

it("what it never says is a mismatch, and so is at once what changes something", async () => {
  const [etcd, embedded] = [answering("old"), answering("new")];
  const asked = await firstMismatch(pairOf(etcd, embedded), ["ask"]);
  expect(asked).toEqual({ index: 0, step: "ask", etcd: "old", embedded: "new" });
  const done = answering("old", "new");
  expect(await firstMismatch(pairOf(done, embedded), ["do"])).toMatchObject({ step: "do", etcd: "old" });
  expect(done.asked).toBe(1);
});

it("a sequence goes without what shows a difference, and keeps the rest", () => {
  const differences: Pick<Difference<number>, "spare">[] = [
    { spare: (step) => (step < 0 ? 0 : step) },
    { spare: (step, before) => (step === 0 && before.includes(0) ? undefined : step) },
    {},
  ];
  expect(spared([1, -1, 2, -2, 0, 3], differences)).toEqual([1, 0, 2, 3]);
});

it("fields are rewritten however deep they are", () => {
  const step = { a: 1n, list: [{ sort: 7 }, "sort"], inner: { inner: { sort: 1, none: null } } };
  expect(rewrite(step, (name, value) => (name === "sort" && Number(value) > 2 ? 0 : value))).toEqual({
    ...step,
    list: [{ sort: 0 }, "sort"],
  });
});
