/**
 * A sequential object: what it does when one operation follows another. A history is linearizable when some order of its
 * operations, which keeps the order of those that did not overlap, is one this object allows.
 */
export interface Model<Op, State> {
  readonly initial: State;
  /** The state after the operation gave what it gave, or `undefined` where it could not have. Pure. */
  readonly step: (state: State, op: Op) => State | undefined;
  /** Equal for equal states. */
  readonly identify: (state: State) => string | number;
  /** Equal for operations that do the same; unknown outcomes of one sort are interchangeable. */
  readonly sortOf: (op: Op) => string;
  /** Whether it never changes the state. Where such an operation fits it is put at once, without looking at other places. */
  readonly isReadOnly: (op: Op) => boolean;
  /**
   * For objects whose state is a value: what an operation needs to find and what it leaves. A state is then not left while
   * operations still need its value and nothing can bring it back, and values that nobody needs any more are all alike.
   */
  readonly values?: {
    /** The value a state is, a whole number from 0 on. */
    readonly of: (state: State) => number;
    readonly needs: (op: Op) => number | undefined;
    readonly makes: (op: Op) => number | undefined;
    /** Whether it depends on the state in a way that `needs` does not say; then values are never all alike. */
    readonly discerns: (op: Op) => boolean;
  };
}

/** An operation in time. */
export interface Call<Op> {
  readonly op: Op;
  readonly invoked: bigint;
  /**
   * When it had returned. `undefined`: its outcome is unknown, it may take effect at any time after its invocation or
   * never. It must be one that can be put off: where the operation after it was possible without it, that operation could
   * as well have gone first, or the unknown one not have happened, and the rest would be possible still.
   */
  readonly returned: bigint | undefined;
}

/** One way for an operation to follow: after these of unknown outcome, which make it possible. */
export interface Way<State> {
  readonly state: State;
  readonly first: readonly number[];
}

/** What a search found. */
export type SearchResult<Op> =
  | { readonly outcome: "linearizable"; readonly steps: number }
  | { readonly outcome: "undecided"; readonly steps: number }
  | {
      readonly outcome: "impossible";
      readonly steps: number;
      /** The longest order that was possible, and what could not follow it though it had to. */
      readonly order: readonly Op[];
      readonly stuckAt: Op | undefined;
    };
