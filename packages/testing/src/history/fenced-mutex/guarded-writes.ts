import type { Violation } from "../verdict.ts";
import type { MutexCall } from "./mutex-calls.ts";

/** Writes that were accepted although one with a larger token had been accepted before they began. */
export function staleWrites(key: string, calls: readonly MutexCall[]): Violation[] {
  const byReturn = writesIn(calls).sort(byTime((each) => each.returned ?? 0n));
  const byInvocation = byReturn.toSorted(byTime((each) => each.invoked));
  let highest: MutexCall | undefined;
  let next = 0;
  return byInvocation.flatMap((write): Violation[] => {
    for (
      let each = byReturn[next];
      each?.returned !== undefined && each.returned < write.invoked;
      each = byReturn[++next]
    )
      if (highest === undefined || each.op.token > highest.op.token) highest = each;
    if (highest === undefined || highest.op.token <= write.op.token) return [];
    return [
      {
        rule: "staleWrite",
        subject: key,
        message: `a write with token ${write.op.token} was accepted after one with token ${highest.op.token}`,
        part: [highest.line, write.line],
      },
    ];
  });
}

/** Writes that were accepted with a token that nobody had. */
export function foreignWrites(key: string, calls: readonly MutexCall[]): Violation[] {
  const had = new Set(calls.filter(({ op }) => op.kind === "acquire").map(({ op }) => op.token));
  return writesIn(calls)
    .filter(({ op }) => !had.has(op.token))
    .map(({ op, line }) => ({
      rule: "tokens",
      subject: key,
      message: `a write was accepted with token ${op.token}, which nobody had acquired`,
      part: [line],
    }));
}

function writesIn(calls: readonly MutexCall[]): MutexCall[] {
  return calls.filter(({ op }) => op.kind === "guardedWrite");
}

function byTime(timeOf: (call: MutexCall) => bigint): (a: MutexCall, b: MutexCall) => number {
  return (a, b) => Number(timeOf(a) - timeOf(b));
}
