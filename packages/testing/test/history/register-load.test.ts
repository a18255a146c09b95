import { expect, it } from "vitest";
import { checkRegister } from "../../src/history/index.ts";
import type { Choice } from "./support/simulate.ts";
import { simulateRegister } from "./support/simulate-register.ts";

/** The same numbers in every run. */
function steps(processes: number, length: number): Choice[] {
  let seed = 7;
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (seed >>> 8) % below;
  };
  return Array.from({ length }, () => ({ process: next(processes), what: next(100), how: next(100) }));
}

it.each([
  ["each value written once", 30, { unknownPercent: 0, values: 0 }],
  ["one in a hundred unknown", 30, { unknownPercent: 1, values: 0 }],
  ["one in ten unknown", 30, { unknownPercent: 10, values: 0 }],
  ["few values", 30, { unknownPercent: 1, values: 50 }],
  ["very few values", 20, { unknownPercent: 1, values: 5 }],
])(
  "judges five thousand operations of one key within seconds: %s",
  (_, processes, run) => {
    const events = simulateRegister(steps(processes, 16_000), run);
    const operations = events.filter(({ type }) => type === "invoke").length;
    expect(operations).toBeGreaterThan(4_500);
    expect(checkRegister(events)).toMatchObject({ outcome: "ok" });

    // A read late in the history gives what nobody wrote, or what was overwritten long before.
    const reads = events.flatMap(({ op, type }, index) => (op === "read" && type === "ok" ? [index] : []));
    const place = reads[Math.floor(reads.length * 0.8)];
    const written = events.find(({ op, type }) => op === "write" && type === "ok");
    const old = events.find(({ id }) => id === written?.id)?.value;
    for (const value of run.values === 0 ? ["never", old] : ["never"]) {
      const broken = events.map((event, index) => (index === place ? { ...event, value } : event));
      const { outcome, violations } = checkRegister(broken);
      expect(outcome).toBe("violated");
      expect(violations[0]?.part.length).toBeLessThan(10);
    }
  },
  20_000,
);
