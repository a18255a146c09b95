import type { Weakening } from "../linearizability/minimise.ts";
import type { Call, Model } from "../linearizability/model.ts";

/** What was done to a mutex with fencing tokens. */
export type MutexOp =
  | { readonly kind: "acquire"; readonly token: bigint }
  | { readonly kind: "release"; readonly token: bigint }
  /** The holder has given up its claim, and the store may free the mutex: an act of the store, at any time from then on. */
  | { readonly kind: "free"; readonly token: bigint }
  /** A write that was accepted with a token. */
  | { readonly kind: "guardedWrite"; readonly token: bigint };

/** No token is 0: create revisions begin at 2. */
const NOBODY = -1n;

/** Who holds it, and the highest tokens there were. */
export interface MutexState {
  readonly owner: bigint;
  readonly highest: bigint;
  readonly written: bigint;
}

/**
 * What an accepted write proves: `highest`, that none with a larger token was accepted before, as any store can tell that
 * remembers the highest; `owner`, that the token's holder was still the owner, as etcd can tell in the same transaction.
 */
export type MutexGuard = "highest" | "owner";

/** A mutex that one has at a time, each with a larger token than all before. */
export function mutexModel(guard: MutexGuard): Model<MutexOp, MutexState> {
  return {
    initial: { owner: NOBODY, highest: NOBODY, written: NOBODY },
    step: (state, op) => step(state, op, guard),
    identify: ({ owner, highest, written }) => `${owner} ${highest} ${written}`,
    sortOf: ({ kind, token }) => `${kind} ${token}`,
    isReadOnly: () => false,
  };
}

function step(state: MutexState, { kind, token }: MutexOp, guard: MutexGuard): MutexState | undefined {
  const { owner, highest, written } = state;
  switch (kind) {
    case "acquire":
      return owner === NOBODY && token > highest ? { owner: token, highest: token, written } : undefined;
    case "release":
    case "free":
      // To release what was lost already changes nothing.
      return owner === token ? { owner: NOBODY, highest, written } : state;
    case "guardedWrite":
      if (guard === "owner" && owner !== token) return undefined;
      return token < written ? undefined : { owner, highest, written: token };
  }
}

/** An acquisition whose outcome is unknown may still have put somebody in the way, and so on. */
export const mutexWeakening: Weakening<MutexOp> = {
  weaken: ({ op, invoked }) =>
    op.kind === "guardedWrite" ? undefined : { op, invoked, returned: undefined },
  relevant,
};

/** To free helps others only where somebody has that token; to acquire, only who has to be the owner, or releases it. */
function relevant(calls: readonly Call<MutexOp>[]): readonly Call<MutexOp>[] {
  const acquired = new Set(calls.filter(({ op }) => op.kind === "acquire").map(({ op }) => op.token));
  const written = new Set(calls.filter(({ op }) => op.kind === "guardedWrite").map(({ op }) => op.token));
  return calls.filter(({ op, returned }) => {
    if (returned !== undefined) return true;
    return op.kind === "acquire" ? written.has(op.token) : acquired.has(op.token);
  });
}
