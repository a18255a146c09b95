import { BitSet } from "./configuration-cache.ts";
import type { Call, Model, Way } from "./model.ts";

/** The operations of unknown outcome, which may take effect at any time after their invocation or never. */
export class UnknownPool<Op, State> {
  readonly ops: readonly Op[];
  /** Those that have taken effect in the order at hand. */
  readonly used: BitSet;
  readonly #model: Model<Op, State>;
  readonly #invoked: readonly bigint[];
  /** For each the one before it of the same sort, which is used first; -1 for none. */
  readonly #twin: readonly number[];

  constructor(model: Model<Op, State>, calls: readonly Call<Op>[]) {
    const ordered = calls.toSorted((a, b) => (a.invoked < b.invoked ? -1 : a.invoked > b.invoked ? 1 : 0));
    this.#model = model;
    this.ops = ordered.map(({ op }) => op);
    this.#invoked = ordered.map(({ invoked }) => invoked);
    this.used = new BitSet(ordered.length);
    const last = new Map<string, number>();
    this.#twin = this.ops.map((op, index) => {
      const sort = model.sortOf(op);
      const twin = last.get(sort) ?? -1;
      last.set(sort, index);
      return twin;
    });
  }

  opsOf(indices: readonly number[]): readonly Op[] {
    return indices.map((index) => this.ops[index] as Op);
  }

  /**
   * The chains after which the operation can follow, of operations invoked until `horizon`. Each link is possible only
   * because of the one before it: all else can be put off (see {@link Call}).
   */
  waysTo(op: Op, state: State, horizon: bigint): readonly Way<State>[] {
    if (this.ops.length === 0) return [];
    const ways: Way<State>[] = [];
    this.#extend([], undefined, state, op, horizon, ways);
    return ways;
  }

  #extend(
    first: readonly number[],
    before: State | undefined,
    state: State,
    op: Op,
    horizon: bigint,
    ways: Way<State>[],
  ): void {
    for (let index = 0; index < this.ops.length; index++) {
      if ((this.#invoked[index] as bigint) > horizon) return;
      if (!this.#isFree(index, first)) continue;
      const link = this.ops[index] as Op;
      const next = this.#model.step(state, link);
      if (next === undefined || next === state) continue;
      if (before !== undefined && this.#model.step(before, link) !== undefined) continue;
      const chain = [...first, index];
      const after = this.#model.step(next, op);
      if (after === undefined) this.#extend(chain, state, next, op, horizon, ways);
      else ways.push({ state: after, first: chain });
    }
  }

  /** Whether it is unused, and the one it is interchangeable with is not. */
  #isFree(index: number, chain: readonly number[]): boolean {
    const isUsed = (each: number): boolean => this.used.has(each) || chain.includes(each);
    const twin = this.#twin[index] as number;
    return !isUsed(index) && (twin < 0 || isUsed(twin));
  }
}
