import { EtcdError } from "../errors/etcd-error.ts";
import { printable } from "../kv/printable.ts";
import type { Compare } from "../txn/compare.ts";
import { op } from "../txn/op.ts";
import type { CommitOptions, Txn } from "../txn/txn.ts";
import type { Op, TxnResult } from "../txn/txn-types.ts";

/** What makes transactions guarded. */
interface TxnGuard {
  readonly key: string;
  readonly held: boolean;
  guard(): Compare;
}

export interface GuardedTxnParts {
  readonly guard: TxnGuard;
  /** Begins the transaction that carries the guard. */
  readonly begin: () => Txn;
  /** Called when the server says that the guard does not hold, before `commit()` rejects. */
  readonly onRefuted: () => void;
}

/**
 * A transaction that etcd applies only while the lock or leadership it comes from is still the same one. This is the
 * check that a holder cannot make by itself: between looking at `held` and the arrival of a write, anything may happen.
 * Immutable, as {@link Txn} is: every call gives a new one.
 */
export class GuardedTxn<Then extends readonly Op[] = readonly [], Else extends readonly Op[] = readonly []> {
  readonly #parts: GuardedTxnParts;
  readonly #txn: Txn<Then, Else>;

  constructor(parts: GuardedTxnParts, txn: Txn<Then, Else>) {
    this.#parts = parts;
    this.#txn = txn;
  }

  /** Conditions beside the guard; they choose between {@link then} and {@link else}. */
  if(...conditions: readonly Compare[]): GuardedTxn<Then, Else> {
    return new GuardedTxn(this.#parts, this.#txn.if(...conditions));
  }

  /** Adds operations to run when the guard and the conditions hold. */
  then<const Ops extends readonly Op[]>(...ops: Ops): GuardedTxn<readonly [...Then, ...Ops], Else> {
    return new GuardedTxn(this.#parts, this.#txn.then(...ops));
  }

  /** Adds operations to run when the guard holds and a condition does not. A failed guard does nothing at all. */
  else<const Ops extends readonly Op[]>(...ops: Ops): GuardedTxn<Then, readonly [...Else, ...Ops]> {
    return new GuardedTxn(this.#parts, this.#txn.else(...ops));
  }

  /**
   * Runs the transaction.
   *
   * @returns what a plain transaction with the same conditions and operations would have.
   * @throws EtcdError `NOT_OWNER` with outcome `notApplied` when what guards it is no longer held.
   */
  async commit(options: CommitOptions = {}): Promise<TxnResult<Then, Else>> {
    const { guard, begin, onRefuted } = this.#parts;
    if (!guard.held) throw notOwner(guard.key);
    // Nested, so that a false condition of the caller's and a failed guard are two different answers.
    const outer = await begin()
      .if(guard.guard())
      .then(op.txn(this.#txn))
      .else(op.get(guard.key))
      .commit(options);
    if (!outer.succeeded) {
      onRefuted();
      throw notOwner(guard.key);
    }
    // Only the outer answer carries the revision.
    return printable({ ...outer.results[0], revision: outer.revision });
  }
}

function notOwner(key: string): EtcdError {
  return new EtcdError("NOT_OWNER", `${key} is no longer held, so the transaction was refused`, {
    outcome: "notApplied",
  });
}
