import { HistoryError } from "../errors.ts";
import { type HistoryEvent, sourceOf } from "../event.ts";
import { show } from "../parse-event.ts";

/** The fencing token in an event's value: `{ token }`, a decimal string or a whole number. @throws HistoryError `wrongValue` */
export function tokenOf(event: HistoryEvent): bigint {
  const token = fieldOf(event, "token");
  if (isWhole(token)) return BigInt(token);
  throw new HistoryError(
    "wrongValue",
    sourceOf(event),
    `expected the value of ${event.op} ${event.type} to have a "token", a decimal string or a whole number, got ${show(event.value)}`,
  );
}

/** A moment in an event's value, in nanoseconds as `HistoryEvent.time`. @throws HistoryError `wrongValue` */
export function momentOf(event: HistoryEvent, name: string): bigint | undefined {
  const moment = fieldOf(event, name);
  if (moment === undefined) return undefined;
  if (isWhole(moment)) return BigInt(moment);
  throw new HistoryError(
    "wrongValue",
    sourceOf(event),
    `expected "${name}" of ${event.op} to be nanoseconds in decimal, got ${show(moment)}`,
  );
}

/** A field of an event's value. */
export function fieldOf({ value }: HistoryEvent, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** The key of an event that must have one. @throws HistoryError `wrongValue` */
export function keyOf(event: HistoryEvent): string {
  if (event.key !== undefined) return event.key;
  throw new HistoryError("wrongValue", sourceOf(event), `expected ${event.op} to have a key`);
}

function isWhole(value: unknown): value is string | number {
  return typeof value === "string" ? /^\d+$/.test(value) : Number.isSafeInteger(value) && Number(value) >= 0;
}
