import type {
  PutRequest,
  RangeRequest,
  RequestOp,
  ResponseOpInput,
  TxnRequest,
  TxnResponseInput,
} from "@quorumkit/proto";
import { errors } from "../errors.ts";
import type { MvccStore, Reader, WriteTx } from "../mvcc/store.ts";
import { deleteRange, put, requireKey, requireLease, revisionOf } from "./changes.ts";
import { holds } from "./compare.ts";
import type { KvLeases, LeaseMoves } from "./lease-moves.ts";
import { readRange } from "./range.ts";
import type { KvRules } from "./rules.ts";

/** The branch that a transaction takes, and those that the transactions in it take. */
export interface Plan {
  readonly succeeded: boolean;
  readonly steps: readonly Step[];
}

interface Step {
  readonly op: RequestOp;
  /** Of a nested transaction. */
  readonly nested: Plan | undefined;
}

/** All compares are made before anything is changed, those of nested transactions too. */
export function planTxn(reader: Reader, { compare, success, failure }: TxnRequest): Plan {
  const succeeded = compare.every((each) => holds(reader, each));
  const steps = (succeeded ? success : failure).map((op): Step => ({
    op,
    nested: op.requestTxn ? planTxn(reader, op.requestTxn) : undefined,
  }));
  return { succeeded, steps };
}

/** Whether a transaction only reads, in whatever branch. One that is nested counts as a write. */
export function isReadOnly({ success, failure }: TxnRequest): boolean {
  return success.every((op) => op.requestRange) && failure.every((op) => op.requestRange);
}

/** Refuses, before anything is changed, a plan that cannot be carried out. */
export class PlanCheck {
  readonly #store: MvccStore;
  readonly #leases: KvLeases;
  readonly #rules: KvRules;

  constructor(store: MvccStore, leases: KvLeases, rules: KvRules) {
    this.#store = store;
    this.#leases = leases;
    this.#rules = rules;
  }

  /** @throws StatusError key not found, lease not found, compacted, future revision */
  check(plan: Plan): void {
    const ops = [...opsOf(plan)];
    const lookAtPut = ({ requestPut }: RequestOp): void => {
      if (requestPut) this.#put(requestPut);
    };
    const lookAtRange = ({ requestRange }: RequestOp): void => {
      if (requestRange) this.#range(requestRange);
    };
    if (this.#rules.checksPutsFirst) ops.forEach(lookAtPut);
    for (const op of ops) {
      if (!this.#rules.checksPutsFirst) lookAtPut(op);
      lookAtRange(op);
    }
  }

  #put(request: PutRequest): void {
    if (this.#rules.checksLeaseFirst) requireLease(this.#leases, request);
    requireKey(this.#store, request);
    requireLease(this.#leases, request);
  }

  /** Here, unlike in a range by itself, a negative revision is a compacted one. */
  #range({ revision }: RangeRequest): void {
    if (revision === 0n) return;
    if (revision > this.#store.revision) throw errors.futureRevision();
    if (revision < this.#store.compactRevision) throw errors.compacted();
  }
}

function* opsOf(plan: Plan): Generator<RequestOp, void, undefined> {
  for (const { op, nested } of plan.steps) {
    if (nested === undefined) yield op;
    else yield* opsOf(nested);
  }
}

/** Carries out the reads of a plan that has nothing else. */
export function readPlan(reader: Reader, plan: Plan, rules: KvRules, revision: bigint): TxnResponseInput {
  const responses = plan.steps.map(({ op: { requestRange } }): ResponseOpInput =>
    requestRange ? { responseRange: readRange(reader, requestRange, rules) } : {},
  );
  return { header: { revision }, succeeded: plan.succeeded, responses };
}

/** Carries out a plan. */
export function writePlan(tx: WriteTx, moves: LeaseMoves, plan: Plan, rules: KvRules): TxnResponseInput {
  const responses = responsesOf(tx, moves, plan, rules);
  return { header: { revision: revisionOf(tx) }, succeeded: plan.succeeded, responses };
}

function responsesOf(tx: WriteTx, moves: LeaseMoves, plan: Plan, rules: KvRules): ResponseOpInput[] {
  return plan.steps.map(({ op, nested }): ResponseOpInput => {
    if (op.requestRange) return { responseRange: readRange(tx, op.requestRange, rules) };
    if (op.requestPut) return { responsePut: put(tx, moves, op.requestPut) };
    if (op.requestDeleteRange) return { responseDeleteRange: deleteRange(tx, moves, op.requestDeleteRange) };
    if (nested === undefined) return {};
    // The header of a nested answer is there and empty.
    const responses = responsesOf(tx, moves, nested, rules);
    return { responseTxn: { header: {}, succeeded: nested.succeeded, responses } };
  });
}
