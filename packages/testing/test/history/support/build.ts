import type { HistoryEvent } from "../../../src/history/index.ts";

let lastId = 0;

interface Told {
  readonly key?: string;
  /** What the operation was given. */
  readonly value?: unknown;
  /** What it gave. */
  readonly result?: unknown;
  /** Default `ok`. `lost`: nothing completes it. */
  readonly as?: "ok" | "fail" | "info" | "lost";
}

/** An operation of a process from one moment to another. */
export function operation(
  process: string,
  op: string,
  [from, to]: readonly [number, number],
  { key = "k", value, result, as = "ok" }: Told = {},
): HistoryEvent[] {
  const id = ++lastId;
  const common = { process, id, op, key };
  const invocation: HistoryEvent = {
    ...common,
    time: String(from),
    type: "invoke",
    ...(value === undefined ? {} : { value }),
  };
  if (as === "lost") return [invocation];
  return [
    invocation,
    { ...common, time: String(to), type: as, ...(result === undefined ? {} : { value: result }) },
  ];
}

export function note(process: string, op: string, at: number, value: unknown, key?: string): HistoryEvent[] {
  return [
    {
      time: String(at),
      process,
      id: ++lastId,
      type: "note",
      op,
      value,
      ...(key === undefined ? {} : { key }),
    },
  ];
}

/** Events in the order of time; of the same moment, as they are given. */
export function history(...parts: readonly (readonly HistoryEvent[])[]): HistoryEvent[] {
  return parts.flat().sort((a, b) => Number(a.time) - Number(b.time));
}

export const read = (process: string, span: readonly [number, number], result: unknown): HistoryEvent[] =>
  operation(process, "read", span, { result });
export const write = (
  process: string,
  span: readonly [number, number],
  value: unknown,
  as: Told["as"] = "ok",
): HistoryEvent[] => operation(process, "write", span, { value, as });
export const cas = (
  process: string,
  span: readonly [number, number],
  [expected, next]: readonly [unknown, unknown],
  result: unknown,
  as: Told["as"] = "ok",
): HistoryEvent[] => operation(process, "cas", span, { value: { expected, next }, result, as });

/** The rules a verdict says were broken, each once. */
export function brokenRules(verdict: {
  readonly violations: readonly { readonly rule: string }[];
}): string[] {
  return [...new Set(verdict.violations.map(({ rule }) => rule))].sort();
}
