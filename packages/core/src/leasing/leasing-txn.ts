import { printable } from "../kv/printable.ts";
import { CALL_OPTIONS, type CallOptions, checkCallOptions } from "../transport/call-options.ts";
import type { Compare } from "../txn/compare.ts";
import { op } from "../txn/op.ts";
import type { Txn } from "../txn/txn.ts";
import type { Op, TxnResult } from "../txn/txn-types.ts";
import { refuseUnknown } from "../util/validate.ts";
import type { Write } from "./guarded-write.ts";

/** Carries a write out, once nobody else owns what it may change. */
export type Writer = <Result>(
  write: Pick<Write<Result>, "what" | "operation">,
  options: CallOptions,
) => Promise<{ readonly result: Result; readonly revision: bigint }>;

/**
 * A transaction whose keys are written as a {@link Leasing} writes. Immutable, as {@link Txn} is: every call gives a new one.
 */
export class LeasingTxn<Then extends readonly Op[] = readonly [], Else extends readonly Op[] = readonly []> {
  readonly #writer: Writer;
  readonly #txn: Txn<Then, Else>;

  constructor(writer: Writer, txn: Txn<Then, Else>) {
    this.#writer = writer;
    this.#txn = txn;
  }

  /** Adds conditions. Without any, the `then` operations always run. */
  if(...conditions: readonly Compare[]): LeasingTxn<Then, Else> {
    return new LeasingTxn(this.#writer, this.#txn.if(...conditions));
  }

  /** Adds operations to run when the conditions hold. A key may be written once per branch. */
  then<const Ops extends readonly Op[]>(...ops: Ops): LeasingTxn<readonly [...Then, ...Ops], Else> {
    return new LeasingTxn(this.#writer, this.#txn.then(...ops));
  }

  /** Adds operations to run when they do not hold. */
  else<const Ops extends readonly Op[]>(...ops: Ops): LeasingTxn<Then, readonly [...Else, ...Ops]> {
    return new LeasingTxn(this.#writer, this.#txn.else(...ops));
  }

  /**
   * Runs the transaction on the server, reads included. What either branch writes has to be given up by its owners before.
   *
   * @returns what a plain transaction would have.
   * @throws EtcdError as {@link Leasing.put}. `TOO_MANY_OPERATIONS`, too: it takes one operation and one condition for each
   * key written, beside its own.
   */
  async commit(options: CallOptions = {}): Promise<TxnResult<Then, Else>> {
    refuseUnknown(options, CALL_OPTIONS, "commit");
    checkCallOptions(options);
    const { result, revision } = await this.#writer({ what: "txn", operation: op.txn(this.#txn) }, options);
    // Only the outer answer carries the revision.
    return printable({ ...result, revision });
  }
}
