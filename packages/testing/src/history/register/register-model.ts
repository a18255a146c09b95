import type { Call, Model } from "../linearizability/model.ts";
import type { Weakening } from "../linearizability/minimise.ts";

/** What was done to a register, and what came of it. Values are numbers that stand for them. */
export type RegisterOp =
  | { readonly kind: "read"; readonly value: number }
  | { readonly kind: "write"; readonly value: number }
  /** A compare-and-swap that swapped. */
  | { readonly kind: "swap"; readonly expected: number; readonly next: number }
  /** One that did not, and may have told what it found. */
  | { readonly kind: "mismatch"; readonly expected: number; readonly found: number | undefined };

/** One value, which is read, written, and swapped for another where it is the expected one. */
export function registerModel(initial: number): Model<RegisterOp, number> {
  return {
    initial,
    step,
    identify: (state) => state,
    sortOf: (op) => JSON.stringify(op),
    isReadOnly: ({ kind }) => kind === "read" || kind === "mismatch",
    values: { of: (state) => state, needs, makes, discerns },
  };
}

function step(state: number, op: RegisterOp): number | undefined {
  switch (op.kind) {
    case "read":
      return op.value === state ? state : undefined;
    case "write":
      return op.value;
    case "swap":
      return op.expected === state ? op.next : undefined;
    case "mismatch":
      return op.expected !== state && (op.found ?? state) === state ? state : undefined;
  }
}

function needs(op: RegisterOp): number | undefined {
  switch (op.kind) {
    case "read":
      return op.value;
    case "write":
      return undefined;
    case "swap":
      return op.expected;
    case "mismatch":
      return op.found;
  }
}

/** A mismatch that did not tell what it found fits every value but one. */
function discerns(op: RegisterOp): boolean {
  return op.kind === "mismatch" && op.found === undefined;
}

/** The value an operation leaves where it changes anything. */
export function makes(op: RegisterOp): number | undefined {
  if (op.kind === "write") return op.value;
  return op.kind === "swap" ? op.next : undefined;
}

/** Every value that an operation says something about. */
export function valuesOf(op: RegisterOp): readonly number[] {
  switch (op.kind) {
    case "read":
    case "write":
      return [op.value];
    case "swap":
      return [op.expected, op.next];
    case "mismatch":
      return op.found === undefined ? [op.expected] : [op.expected, op.found];
  }
}

/** A read that nobody knows the answer of says nothing; a write may still have happened. */
export const registerWeakening: Weakening<RegisterOp> = {
  weaken: ({ op, invoked }) => (makes(op) === undefined ? undefined : { op, invoked, returned: undefined }),
  relevant,
};

/**
 * Leaves out unknown writes of values that no other operation needs. A mismatch that did not tell what it found could owe
 * to any of them; then all stay.
 */
function relevant(calls: readonly Call<RegisterOp>[]): readonly Call<RegisterOp>[] {
  if (calls.some(({ op }) => discerns(op))) return calls;
  const kept = new Set(calls.filter(({ returned }) => returned !== undefined));
  const wanted = new Set([...kept].map(({ op }) => needs(op)));
  for (let size = -1; size !== kept.size;) {
    size = kept.size;
    for (const call of calls) {
      if (kept.has(call) || !wanted.has(makes(call.op))) continue;
      kept.add(call);
      wanted.add(needs(call.op));
    }
  }
  return calls.filter((call) => kept.has(call));
}
