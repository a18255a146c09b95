import { HistoryError } from "./errors.ts";
import { HISTORY_EVENT_TYPES, type HistoryEvent } from "./event.ts";

type Check = readonly [what: string, holds: (value: unknown) => boolean];

const isName = (value: unknown): boolean => typeof value === "string" && value !== "";

const FIELDS: Readonly<Record<string, Check>> = {
  time: ["nanoseconds in decimal", (value) => typeof value === "string" && /^\d+$/.test(value)],
  process: ["a name", isName],
  id: ["a whole number", (value) => Number.isSafeInteger(value)],
  type: [`one of ${HISTORY_EVENT_TYPES.join(", ")}`, (value) => HISTORY_EVENT_TYPES.includes(value as never)],
  op: ["a name", isName],
  key: ["a string, or absent", (value) => value === undefined || typeof value === "string"],
};

/** Reads one line. @throws HistoryError `notJson` or `notAnEvent`. */
export function parseEvent(line: string, source: string): HistoryEvent {
  const fields = toObject(line, source);
  for (const [name, [what, holds]] of Object.entries(FIELDS)) {
    const value = fields[name];
    if (!holds(value))
      throw new HistoryError("notAnEvent", source, `expected "${name}" to be ${what}, got ${show(value)}`);
  }
  return { ...fields, source } as unknown as HistoryEvent;
}

function toObject(line: string, source: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    throw new HistoryError("notJson", source, `not JSON: ${line.slice(0, 80)}`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw new HistoryError("notAnEvent", source, `expected an object, got ${show(parsed)}`);
  return parsed as Readonly<Record<string, unknown>>;
}

/** A value, short enough for a message. */
export function show(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
