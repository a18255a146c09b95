import { expect, it } from "vitest";
import { describeFault, planOf } from "../src/faults/plan.ts";
import { Random } from "../src/random.ts";

it("a plan follows from its seed, and from nothing else", () => {
  expect(planOf("7", 3, 4)).toEqual(planOf("7", 3, 4));
  expect(planOf("7", 3, 4)).not.toEqual(planOf("8", 3, 4));
});

it("a longer run begins as a shorter one of the same seed", () => {
  const [short, long] = [planOf("7", 1, 4), planOf("7", 5, 4)];
  expect(long.cluster.slice(0, short.cluster.length)).toEqual(short.cluster);
  expect(long.workers.slice(0, short.workers.length)).toEqual(short.workers);
});

it("three minutes have every sort of fault, whatever the seed", () => {
  const all = new Set(["1", "2", "3", "4", "5"].flatMap((seed) => kindsOf(planOf(seed, 30, 4))));
  for (const seed of ["1", "2", "3", "4", "5"]) expect(new Set(kindsOf(planOf(seed, 3, 4)))).toEqual(all);
});

it("of each row one fault is over before the next one begins, and the last one before the end", () => {
  const { cluster, workers } = planOf("7", 3, 4);
  for (const row of [cluster, workers]) {
    for (const [index, { atMs, forMs }] of row.entries())
      expect(atMs + forMs).toBeLessThan(row[index + 1]?.atMs ?? 3 * 60_000);
  }
});

it("the numbers of a fork do not depend on what was taken before", () => {
  const [fresh, used] = [new Random("seed"), new Random("seed")];
  used.next();
  expect(used.fork("a").next()).toBe(fresh.fork("a").next());
  expect(fresh.fork("b").next()).not.toBe(fresh.fork("a").next());
});

function kindsOf({ cluster, workers }: ReturnType<typeof planOf>): string[] {
  return [...cluster, ...workers].map(({ fault }) => {
    expect(describeFault(fault)).toContain(fault.kind.split(" ")[0]?.replace(",", ""));
    return fault.kind;
  });
}
