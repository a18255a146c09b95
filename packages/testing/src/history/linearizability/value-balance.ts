import type { Model } from "./model.ts";

type Values<Op, State> = NonNullable<Model<Op, State>["values"]>;

/** Counts, for each value, the operations left that need it and those left that can make it. */
export class ValueBalance<Op, State> {
  readonly #values: Values<Op, State>;
  /** By operations of known outcome. */
  readonly #needing: number[] = [];
  /** Also by those of unknown outcome, which need not happen. */
  readonly #wanting: number[] = [];
  readonly #making: number[] = [];
  readonly #discerning: boolean;

  constructor(values: Values<Op, State>, known: readonly Op[], unknown: readonly Op[]) {
    this.#values = values;
    this.#discerning = known.some((op) => values.discerns(op));
    for (const op of known) this.#count(op, 1, true);
    for (const op of unknown) this.#count(op, 1, false);
  }

  /** Says that an operation was placed, or with -1 that it was taken back. */
  count(op: Op, sign: 1 | -1, known: boolean): void {
    this.#count(op, sign === 1 ? -1 : 1, known);
  }

  /** Whether the operation needs what the object does not begin with, and nobody can make. */
  isHopeless(op: Op, initial: State): boolean {
    const needed = this.#values.needs(op);
    return needed !== undefined && needed !== this.#values.of(initial) && (this.#making[needed] ?? 0) === 0;
  }

  /** Whether nobody needs the value any more: then it is as good as any other such value. */
  isSpent(state: State): boolean {
    return !this.#discerning && (this.#wanting[this.#values.of(state)] ?? 0) === 0;
  }

  /** Whether the value can be left: no operation needs it that is left, or one that is left can bring it back. */
  mayLeave(state: State, next: State, op: Op, chain: readonly Op[]): boolean {
    const value = this.#values.of(state);
    if (this.#values.of(next) === value) return true;
    const needs = (this.#needing[value] ?? 0) - (this.#values.needs(op) === value ? 1 : 0);
    if (needs <= 0) return true;
    const made = [op, ...chain].filter((each) => this.#values.makes(each) === value).length;
    return (this.#making[value] ?? 0) - made > 0;
  }

  /**
   * Finds a write that may as well stand here, where the state is spent: nobody else can make its value, and all who need it
   * only look at it and can follow at once, so that the state is spent again. Wherever else they stand together, a write
   * comes after them, which does not mind their absence.
   *
   * @param candidates All that can follow now.
   */
  roundTrip(candidates: readonly Op[], isReadOnly: (op: Op) => boolean): Op | undefined {
    if (this.#discerning) return undefined;
    const looking = new Map<number, number>();
    for (const op of candidates) {
      const needed = isReadOnly(op) ? this.#values.needs(op) : undefined;
      if (needed !== undefined) looking.set(needed, (looking.get(needed) ?? 0) + 1);
    }
    return candidates.find((op) => {
      const made = this.#values.makes(op);
      if (made === undefined || this.#values.needs(op) !== undefined || this.#making[made] !== 1)
        return false;
      return (this.#wanting[made] ?? 0) === (looking.get(made) ?? 0);
    });
  }

  #count(op: Op, by: 1 | -1, known: boolean): void {
    add(this.#making, this.#values.makes(op), by);
    add(this.#wanting, this.#values.needs(op), by);
    if (known) add(this.#needing, this.#values.needs(op), by);
  }
}

function add(counts: number[], value: number | undefined, by: 1 | -1): void {
  if (value !== undefined) counts[value] = (counts[value] ?? 0) + by;
}
