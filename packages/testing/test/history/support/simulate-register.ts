import type { HistoryEvent } from "../../../src/history/index.ts";
import { type Choice, Scribe } from "./simulate.ts";

interface Underway {
  readonly id: number;
  readonly op: "read" | "write" | "cas";
  readonly value: unknown;
  result: unknown;
  isDone: boolean;
}

/** How many of a hundred operations have an unknown outcome, and how many values there are; 0: each is written once. */
export interface RegisterRun {
  readonly unknownPercent: number;
  readonly values: number;
}

/** What processes record of a real register that does one thing at a time. */
export function simulateRegister(
  steps: readonly Choice[],
  { unknownPercent, values }: RegisterRun,
): HistoryEvent[] {
  const scribe = new Scribe();
  const underway = new Map<number, Underway>();
  const late: Underway[] = [];
  let register: unknown = null;
  let written = 0;
  const seen: unknown[] = [null];

  const fresh = (what: number): string => {
    written += 1;
    const value = values === 0 ? `v${written}` : `v${what % values}`;
    seen.push(value);
    return value;
  };
  const apply = (each: Underway): void => {
    each.isDone = true;
    if (each.op === "read") each.result = register;
    if (each.op === "write") register = each.value;
    if (each.op === "cas") {
      const { expected, next } = each.value as { expected: unknown; next: unknown };
      each.result = { swapped: expected === register, found: register };
      if (expected === register) register = next;
    }
  };

  for (const { process, what, how } of steps) {
    const current = underway.get(process);
    const orphan = late[how % Math.max(1, late.length)];
    if (orphan !== undefined && !orphan.isDone && what % 7 === 0) apply(orphan);
    if (current === undefined) {
      const op = (["read", "read", "write", "cas"] as const)[what % 4] ?? "read";
      const expected = how % 2 === 0 ? register : seen[how % seen.length];
      const value = op === "read" ? undefined : op === "write" ? fresh(what) : { expected, next: fresh(how) };
      const id = scribe.invoke(`p${process}`, op, "k", value);
      underway.set(process, { id, op, value, result: undefined, isDone: false });
    } else if (how < unknownPercent) {
      // Done or not by now; if not, perhaps later.
      if (what % 3 === 0) scribe.complete("info", scribe.eventOf(current.id));
      late.push(current);
      underway.delete(process);
    } else if (!current.isDone && how % 3 > 0) apply(current);
    else {
      if (!current.isDone && how % 2 === 0) scribe.complete("fail", scribe.eventOf(current.id));
      else {
        if (!current.isDone) apply(current);
        scribe.complete("ok", scribe.eventOf(current.id), current.result);
      }
      underway.delete(process);
    }
  }
  return scribe.events;
}
