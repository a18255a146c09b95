import { revisionOf } from "../kv/header.ts";
import { CALL_OPTIONS, type CallOptions } from "../transport/call-options.ts";
import { CallProgress } from "../transport/call-progress.ts";
import type { Connection } from "../transport/connection.ts";
import * as rpcs from "../transport/rpcs.ts";
import { booleanOption, describe, refuseUnknown } from "../util/validate.ts";
import type { Compare } from "./compare.ts";
import type { Op, TxnParts, TxnResult } from "./txn-types.ts";
import { txnRequest, txnResult } from "./txn-wire.ts";

export interface CommitOptions extends CallOptions {
  /**
   * Says that sending the transaction twice leaves what sending it once leaves, since its conditions find what the
   * first sending did. It may then be sent again after an answer was lost. A transaction that only reads always may.
   *
   * The copy whose answer was lost may be applied after all, and late: by a member that was paused, after others have changed
   * the keys again. So this is for conditions that cannot become true again, such as one on a mod revision or a create
   * revision above 0. "The key is not there" can, when it is deleted: see {@link onUnknown}.
   *
   * @default false
   */
  readonly repeatable?: boolean | undefined;
  /**
   * Called before the commit ends when a sending has ended without telling whether it had effect, also where a later one was
   * answered and the commit succeeds. From then on that copy may be applied at any time, as far as its conditions hold and
   * its leases live. No effect on a transaction that only reads.
   *
   * @default nobody is told
   */
  readonly onUnknown?: (() => void) | undefined;
}

/**
 * A transaction: if all conditions hold the `then` operations run, else the `else` operations, as one step and one
 * revision. Immutable: every call gives a new one.
 */
export class Txn<Then extends readonly Op[] = readonly [], Else extends readonly Op[] = readonly []> {
  readonly parts: TxnParts<Then, Else>;
  readonly #connection: Connection;

  constructor(connection: Connection, parts: TxnParts<Then, Else>) {
    this.#connection = connection;
    this.parts = parts;
  }

  /** Adds conditions. Without any, the `then` operations always run. */
  if(...conditions: readonly Compare[]): Txn<Then, Else> {
    checkParts(conditions, "if", "conditions made with compare()");
    return new Txn(this.#connection, { ...this.parts, if: [...this.parts.if, ...conditions] });
  }

  /** Adds operations to run when the conditions hold. A key may be written once per branch. */
  then<const Ops extends readonly Op[]>(...ops: Ops): Txn<readonly [...Then, ...Ops], Else> {
    checkParts(ops, "then", "operations made with op");
    return new Txn(this.#connection, { ...this.parts, then: [...this.parts.then, ...ops] as const });
  }

  /** Adds operations to run when they do not hold. */
  else<const Ops extends readonly Op[]>(...ops: Ops): Txn<Then, readonly [...Else, ...Ops]> {
    checkParts(ops, "else", "operations made with op");
    return new Txn(this.#connection, { ...this.parts, else: [...this.parts.else, ...ops] as const });
  }

  /** Runs the transaction. On failure the error's `outcome` tells whether it can have taken effect. */
  async commit(options: CommitOptions = {}): Promise<TxnResult<Then, Else>> {
    refuseUnknown(options, ["repeatable", "onUnknown", ...CALL_OPTIONS], "commit");
    const repeatable = booleanOption(options.repeatable, "repeatable");
    const { onUnknown } = options;
    if (onUnknown !== undefined && typeof onUnknown !== "function") {
      throw new TypeError(`onUnknown must be a function, received ${describe(onUnknown)}`);
    }
    const readOnly = [...this.parts.then, ...this.parts.else].every((each) => each.readOnly);
    const rpc = readOnly ? rpcs.readOnlyTxn : repeatable ? rpcs.repeatableTxn : rpcs.txn;
    const progress = onUnknown === undefined || readOnly ? undefined : new CallProgress();
    try {
      const response = await this.#connection.unary(rpc, txnRequest(this.parts), { ...options, progress });
      return txnResult(this.parts, response, revisionOf(response));
    } finally {
      if (progress?.maybeApplied === true) onUnknown?.();
    }
  }
}

function checkParts(parts: readonly { readonly wire: object }[], method: string, expected: string): void {
  if (parts.some((each) => typeof each === "function")) {
    // `await` looks for a method of this name, so this is what a forgotten commit() runs into.
    throw new TypeError("a transaction is not a promise: run it with commit()");
  }
  const wrong = parts.find((each) => typeof each !== "object" || each === null || !("wire" in each));
  if (wrong !== undefined) throw new TypeError(`${method} takes ${expected}, received ${describe(wrong)}`);
}
