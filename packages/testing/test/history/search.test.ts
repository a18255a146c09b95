import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type MutexOp, mutexModel, mutexWeakening } from "../../src/history/fenced-mutex/mutex-model.ts";
import { minimise, type Weakening } from "../../src/history/linearizability/minimise.ts";
import type { Call, Model } from "../../src/history/linearizability/model.ts";
import { search } from "../../src/history/linearizability/search.ts";
import {
  type RegisterOp,
  registerModel,
  registerWeakening,
} from "../../src/history/register/register-model.ts";
import { isLinearizable } from "./support/brute-force.ts";

const value = fc.nat({ max: 3 });
const registerOp: fc.Arbitrary<RegisterOp> = fc.oneof(
  fc.record({ kind: fc.constant("read" as const), value }),
  fc.record({ kind: fc.constant("write" as const), value }),
  fc.record({ kind: fc.constant("swap" as const), expected: value, next: value }),
  fc.record({
    kind: fc.constant("mismatch" as const),
    expected: value,
    found: fc.option(value, { nil: undefined }),
  }),
);
const token = fc.bigInt({ min: 1n, max: 4n });
const mutexOp: fc.Arbitrary<MutexOp> = fc.record({
  kind: fc.constantFrom("acquire", "release", "guardedWrite", "free"),
  token,
});

/** Calls at random moments, of which some overlap, some are of the same moment, and some never return. */
function calls<Op>(op: fc.Arbitrary<Op>, size: number): fc.Arbitrary<Call<Op>[]> {
  const call = fc
    .record({
      op,
      from: fc.nat({ max: 12 }),
      length: fc.nat({ max: 5 }),
      known: fc.integer({ min: 0, max: 3 }),
    })
    .map((each): Call<Op> => ({
      op: each.op,
      invoked: BigInt(each.from),
      returned: each.known === 0 ? undefined : BigInt(each.from + each.length),
    }));
  return fc.array(call, { maxLength: size });
}

interface Case<Op, State> {
  readonly model: Model<Op, State>;
  readonly weakening: Weakening<Op>;
  readonly calls: fc.Arbitrary<Call<Op>[]>;
}

function expectAgreement<Op, State>({ model, weakening, calls: history }: Case<Op, State>): void {
  const seen = { linearizable: 0, impossible: 0, undecided: 0 };
  fc.assert(
    fc.property(history, (each) => {
      const truth = isLinearizable(model, each) ? "linearizable" : "impossible";
      seen[truth] += 1;
      const found = search(model, each, 1e6);
      expect(found.outcome).toBe(truth);
      expect(search(model, weakening.relevant(each), 1e6).outcome).toBe(truth);
      if (truth === "linearizable") return;
      // What is told as the failing part does fail, by the simple search too, once all else is weakened.
      const { stuckAt } = found as { stuckAt?: Op };
      const part = new Set(
        minimise(model, each, weakening, 1e6, each.length % 2 === 0 ? stuckAt : undefined),
      );
      const weakened = each.flatMap((call) => {
        if (part.has(call) || call.returned === undefined) return [call];
        return weakening.weaken(call) ?? [];
      });
      expect(part.size).toBeGreaterThan(0);
      expect(isLinearizable(model, weakened)).toBe(false);
    }),
    { numRuns: 3_000 },
  );
  // Both were there often enough to mean something.
  expect(Math.min(seen.linearizable, seen.impossible)).toBeGreaterThan(200);
}

describe("the search says what trying every order says", () => {
  it("of a register", () =>
    expectAgreement({ model: registerModel(0), weakening: registerWeakening, calls: calls(registerOp, 8) }));

  it.each(["highest", "owner"] as const)("of a mutex whose writes are guarded by the %s", (guard) =>
    expectAgreement({ model: mutexModel(guard), weakening: mutexWeakening, calls: calls(mutexOp, 7) }),
  );
});

describe("a search", () => {
  const write = (number: number, invoked: number, returned: number): Call<RegisterOp> => ({
    op: { kind: "write", value: number },
    invoked: BigInt(invoked),
    returned: BigInt(returned),
  });

  it("says that it is undecided at its bound, and does not go on for ever", () => {
    const many = Array.from({ length: 100 }, (_, index) => write(index, index, index));
    expect(search(registerModel(0), many, 50).outcome).toBe("undecided");
    expect(search(registerModel(0), many, 100).outcome).toBe("linearizable");
  });

  it("tells how far it got, and what it could not place", () => {
    const read: Call<RegisterOp> = { op: { kind: "read", value: 1 }, invoked: 10n, returned: 11n };
    const result = search(registerModel(0), [write(1, 0, 1), write(2, 2, 3), read], 100);
    expect(result).toMatchObject({ outcome: "impossible", stuckAt: { kind: "write", value: 2 } });
    expect(result.outcome === "impossible" && result.order).toEqual([{ kind: "write", value: 1 }]);
  });

  it("needs no step to see that nobody wrote what was read", () => {
    const read: Call<RegisterOp> = { op: { kind: "read", value: 7 }, invoked: 10n, returned: 11n };
    const result = search(registerModel(0), [write(1, 0, 1), read], 100);
    expect(result).toEqual({ outcome: "impossible", steps: 0, order: [], stuckAt: read.op });
  });
});
