import type { Call, Model } from "../../../src/history/linearizability/model.ts";

/** Tries every order, with every subset of the unknown ones at every place. Slow, and too simple to be wrong. */
export function isLinearizable<Op, State>(model: Model<Op, State>, calls: readonly Call<Op>[]): boolean {
  const dead = new Set<string>();
  const visit = (state: State, left: readonly number[]): boolean => {
    const known = left.filter((index) => calls[index]?.returned !== undefined);
    if (known.length === 0) return true;
    const id = `${model.identify(state)}|${left.join()}`;
    if (dead.has(id)) return false;
    const first = known.map((index) => calls[index]?.returned as bigint).reduce((a, b) => (a < b ? a : b));
    for (const index of left) {
      const { op, invoked } = calls[index] as Call<Op>;
      if (invoked > first) continue;
      const next = model.step(state, op);
      if (next === undefined) continue;
      if (
        visit(
          next,
          left.filter((each) => each !== index),
        )
      )
        return true;
    }
    dead.add(id);
    return false;
  };
  return visit(
    model.initial,
    calls.map((_, index) => index),
  );
}
