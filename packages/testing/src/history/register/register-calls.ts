import { HistoryError } from "../errors.ts";
import { sourceOf } from "../event.ts";
import type { Call } from "../linearizability/model.ts";
import type { Operation } from "../operation.ts";
import { show } from "../parse-event.ts";
import type { RegisterOp } from "./register-model.ts";

/** The operations of a register. */
export const REGISTER_OPS: readonly string[] = ["read", "write", "cas"];

/** A call that knows where it stands in the history. */
export interface RegisterCall extends Call<RegisterOp> {
  readonly operation: Operation;
}

/** Numbers for values: equal ones for equal JSON, whatever the order of its fields. */
export class ValueNumbers {
  readonly #numbers = new Map<string, number>();
  readonly #values: unknown[] = [];

  numberOf(value: unknown): number {
    const text = JSON.stringify(sorted(value ?? null));
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.#values.length);
    return this.#values.push(value ?? null) - 1;
  }

  valueOf(number: number): unknown {
    return this.#values[number];
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([name, field]) => [name, sorted(field)]));
}

/** What an operation says about the register; `undefined` for one that says nothing. @throws HistoryError `wrongValue` */
export function toRegisterCall(operation: Operation, numbers: ValueNumbers): RegisterCall | undefined {
  const op = toOp(operation, numbers);
  if (op === undefined) return undefined;
  return { op, operation, invoked: operation.invoked, returned: operation.returned };
}

function toOp(operation: Operation, numbers: ValueNumbers): RegisterOp | undefined {
  const { invocation, completion, outcome } = operation;
  if (outcome === "fail") return undefined;
  const known = outcome === "ok";
  if (invocation.op === "read")
    return known ? { kind: "read", value: numbers.numberOf(completion?.value) } : undefined;
  if (invocation.op === "write") return { kind: "write", value: numbers.numberOf(invocation.value) };
  const { expected, next } = casOf(operation);
  const swap: RegisterOp = {
    kind: "swap",
    expected: numbers.numberOf(expected),
    next: numbers.numberOf(next),
  };
  if (!known) return swap;
  const { swapped, found } = resultOf(operation);
  if (swapped) return swap;
  return {
    kind: "mismatch",
    expected: swap.expected,
    found: found === undefined ? undefined : numbers.numberOf(found),
  };
}

function casOf({ invocation }: Operation): { readonly expected: unknown; readonly next: unknown } {
  const { value } = invocation;
  if (typeof value === "object" && value !== null && "expected" in value && "next" in value) return value;
  throw new HistoryError(
    "wrongValue",
    sourceOf(invocation),
    `expected the value of a cas to be { expected, next }, got ${show(value)}`,
  );
}

function resultOf({ invocation, completion }: Operation): {
  readonly swapped: boolean;
  readonly found?: unknown;
} {
  const value = completion?.value;
  if (typeof value === "boolean") return { swapped: value };
  if (typeof value === "object" && value !== null && "swapped" in value && typeof value.swapped === "boolean")
    return value as { swapped: boolean };
  throw new HistoryError(
    "wrongValue",
    sourceOf(completion ?? invocation),
    `expected a cas to give a boolean or { swapped, found }, got ${show(value)}`,
  );
}
