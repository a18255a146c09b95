import { BitSet, ConfigurationCache } from "./configuration-cache.ts";
import type { Call, Model, SearchResult, Way } from "./model.ts";
import { Timeline } from "./timeline.ts";
import { UnknownPool } from "./unknown-pool.ts";
import { ValueBalance } from "./value-balance.ts";

interface Placed<State> {
  readonly node: number;
  readonly ways: readonly Way<State>[];
  readonly taken: number;
  readonly before: State;
  /** If any order goes on from here, one does with this in this place: there is nothing else to try. */
  readonly isSettled: boolean;
}

/**
 * Looks for an order that the model allows: Wing and Gong's search (JPDC 1993) over Lowe's linked list, which remembers
 * where it has been (Concurrency and Computation 2017). Some rules of our own keep it short: what changes nothing is placed
 * as soon as it fits, an operation of unknown outcome only where it makes the next one possible, and where the state is a
 * value, {@link ValueBalance} knows more.
 *
 * @param maxSteps Gives up, `undecided`, after as many placements.
 */
export function search<Op, State>(
  model: Model<Op, State>,
  calls: readonly Call<Op>[],
  maxSteps: number,
): SearchResult<Op> {
  return new Search(model, calls, maxSteps).run();
}

class Search<Op, State> {
  readonly #model: Model<Op, State>;
  readonly #ops: readonly Op[];
  readonly #timeline: Timeline;
  readonly #pool: UnknownPool<Op, State>;
  readonly #balance: ValueBalance<Op, State> | undefined;
  readonly #placed: BitSet;
  readonly #cache = new ConfigurationCache();
  readonly #states = new Map<string | number, number>();
  readonly #stack: Placed<State>[] = [];
  readonly #maxSteps: number;
  #state: State;
  #steps = 0;
  #longest: readonly Op[] = [];
  #stuckAt: Op | undefined;

  constructor(model: Model<Op, State>, calls: readonly Call<Op>[], maxSteps: number) {
    const known = calls.filter(({ returned }) => returned !== undefined);
    const unknown = calls.filter(({ returned }) => returned === undefined);
    this.#model = model;
    this.#state = model.initial;
    this.#maxSteps = maxSteps;
    this.#ops = known.map(({ op }) => op);
    this.#timeline = new Timeline(known);
    this.#pool = new UnknownPool(model, unknown);
    this.#balance = model.values && new ValueBalance(model.values, this.#ops, this.#pool.ops);
    this.#placed = new BitSet(known.length);
  }

  run(): SearchResult<Op> {
    const hopeless = this.#ops.find((op) => this.#balance?.isHopeless(op, this.#model.initial));
    if (hopeless !== undefined) return { outcome: "impossible", steps: 0, order: [], stuckAt: hopeless };
    while (this.#stack.length < this.#ops.length) {
      if (this.#steps > this.#maxSteps) return { outcome: "undecided", steps: this.#steps };
      if (this.#goOn() || this.#goBack()) continue;
      return { outcome: "impossible", steps: this.#steps, order: this.#longest, stuckAt: this.#stuckAt };
    }
    return { outcome: "linearizable", steps: this.#steps };
  }

  #goOn(): boolean {
    const settled = this.#readOnlyThatFits() || this.#roundTrip();
    if (settled === 0) return this.#placeFrom(this.#timeline.after(0));
    const state = this.#model.step(this.#state, this.#opAt(settled)) as State;
    return this.#place(settled, [{ state, first: [] }], 0, true);
  }

  /** Places the first operation from this node on that can follow now. */
  #placeFrom(from: number): boolean {
    const horizon = this.#timeline.firstReturn();
    for (let node = from; node !== horizon && node !== 0; node = this.#timeline.after(node)) {
      const ways = this.#waysFor(this.#opAt(node), this.#timeline.timeOf(horizon));
      if (this.#place(node, ways, 0)) return true;
    }
    return false;
  }

  /** The invocations before the first return: one of them comes next. */
  #candidates(): number[] {
    const nodes: number[] = [];
    for (let node = this.#timeline.after(0); node !== 0; node = this.#timeline.after(node)) {
      if (this.#timeline.isReturn(node)) break;
      nodes.push(node);
    }
    return nodes;
  }

  /** The first operation that changes nothing and can follow now; 0 for none. */
  #readOnlyThatFits(): number {
    const fits = (op: Op): boolean =>
      this.#model.isReadOnly(op) && this.#model.step(this.#state, op) !== undefined;
    return this.#candidates().find((node) => fits(this.#opAt(node))) ?? 0;
  }

  /** A write that may as well stand here; 0 for none. */
  #roundTrip(): number {
    if (this.#balance?.isSpent(this.#state) !== true) return 0;
    const candidates = this.#candidates();
    const ops = candidates.map((node) => this.#opAt(node));
    const op = this.#balance.roundTrip(ops, this.#model.isReadOnly);
    return op === undefined ? 0 : (candidates[ops.indexOf(op)] ?? 0);
  }

  #waysFor(op: Op, horizon: bigint): readonly Way<State>[] {
    const direct = this.#model.step(this.#state, op);
    const ways =
      direct === undefined ? this.#pool.waysTo(op, this.#state, horizon) : [{ state: direct, first: [] }];
    const balance = this.#balance;
    if (balance === undefined) return ways;
    return ways.filter(({ state, first }) =>
      balance.mayLeave(this.#state, state, op, this.#pool.opsOf(first)),
    );
  }

  /** Takes the first of the ways, from the given one on, that leads to where the search has not been. */
  #place(node: number, ways: readonly Way<State>[], from: number, isSettled = false): boolean {
    const index = this.#timeline.indexOf[node] ?? 0;
    for (let taken = from; taken < ways.length; taken++) {
      const way = ways[taken] as Way<State>;
      this.#mark(index, way);
      this.#steps += 1;
      if (this.#cache.add(this.#placed, this.#pool.used, this.#stateId(way.state))) {
        this.#timeline.lift(node);
        this.#stack.push({ node, ways, taken, before: this.#state, isSettled });
        this.#state = way.state;
        this.#noteLongest();
        return true;
      }
      this.#mark(index, way, -1);
    }
    return false;
  }

  /** Takes back the last placement for which there is something else to try, and tries that. */
  #goBack(): boolean {
    for (let last = this.#stack.pop(); last !== undefined; last = this.#stack.pop()) {
      const { node, ways, taken, before, isSettled } = last;
      this.#timeline.putBack(node);
      const index = this.#timeline.indexOf[node] ?? 0;
      this.#mark(index, ways[taken] as Way<State>, -1);
      this.#state = before;
      if (isSettled) continue;
      if (this.#place(node, ways, taken + 1)) return true;
      if (this.#placeFrom(this.#timeline.after(node))) return true;
    }
    return false;
  }

  #mark(index: number, { first }: Way<State>, sign: 1 | -1 = 1): void {
    this.#placed.flip(index);
    this.#balance?.count(this.#ops[index] as Op, sign, true);
    for (const each of first) {
      this.#pool.used.flip(each);
      this.#balance?.count(this.#pool.ops[each] as Op, sign, false);
    }
  }

  #noteLongest(): void {
    if (this.#stack.length <= this.#longest.length) return;
    this.#longest = this.#stack.map(({ node }) => this.#opAt(node));
    this.#stuckAt = this.#opAt(this.#timeline.firstReturn());
  }

  #opAt(node: number): Op {
    return this.#ops[this.#timeline.indexOf[node] ?? 0] as Op;
  }

  #stateId(state: State): number {
    const identity = this.#balance?.isSpent(state) === true ? "spent" : this.#model.identify(state);
    const known = this.#states.get(identity);
    if (known !== undefined) return known;
    this.#states.set(identity, this.#states.size);
    return this.#states.size - 1;
  }
}
