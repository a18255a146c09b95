import { revisionOf } from "../kv/header.ts";
import { CALL_OPTIONS, type CallOptions } from "../transport/call-options.ts";
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
   * @default false
   */
  readonly repeatable?: boolean | undefined;
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
    refuseUnknown(options, ["repeatable", ...CALL_OPTIONS], "commit");
    const repeatable = booleanOption(options.repeatable, "repeatable");
    const readOnly = [...this.parts.then, ...this.parts.else].every((each) => each.readOnly);
    const rpc = readOnly ? rpcs.readOnlyTxn : repeatable ? rpcs.repeatableTxn : rpcs.txn;
    const response = await this.#connection.unary(rpc, txnRequest(this.parts), options);
    return txnResult(this.parts, response, revisionOf(response));
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
