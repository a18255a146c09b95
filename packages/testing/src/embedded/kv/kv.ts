import { status } from "@grpc/grpc-js";
import type {
  CompactionRequest,
  CompactionResponseInput,
  DeleteRangeRequest,
  DeleteRangeResponseInput,
  PutRequest,
  PutResponseInput,
  RangeRequest,
  RangeResponseInput,
  TxnRequest,
  TxnResponseInput,
} from "@quorumkit/proto";
import { StatusError, errors } from "../errors.ts";
import type { MvccStore, WriteTx } from "../mvcc/store.ts";
import type { Caller } from "./access.ts";
import { deleteRange, put, requireLease } from "./changes.ts";
import { checkDelete, checkPut, checkRange, checkTxn } from "./form.ts";
import { type KvLeases, LeaseMoves } from "./lease-moves.ts";
import { Permissions } from "./permissions.ts";
import { checkStream, readStream } from "./range-stream.ts";
import { readRange } from "./range.ts";
import { isDeleteTooLarge, isPutTooLarge, isTxnTooLarge } from "./request-size.ts";
import { type KvRules, rulesOf } from "./rules.ts";
import { PlanCheck, isReadOnly, planTxn, readPlan, writePlan } from "./txn.ts";

export type { KvLeases } from "./lease-moves.ts";

export interface KvOptions {
  /** Most compares, and most operations of either branch, in one transaction. Default 128, as etcd's `--max-txn-ops`. */
  readonly maxTxnOps?: number;
  /** Largest write in bytes, as etcd passes it on. Default 1.5 MiB, as etcd's `--max-request-bytes`. */
  readonly maxRequestBytes?: number;
  /** Whose rules to follow where the versions differ, such as "3.6" or "3.5.30". Default "3.5". */
  readonly version?: string;
}

function positive(name: string, value: number): number {
  if (Number.isInteger(value) && value > 0) return value;
  throw new TypeError(`${name} must be a whole number of at least 1, got ${String(value)}`);
}

/**
 * Requests on keys, answered as etcd does. A request is checked in etcd's order: its form, its size, what the caller may
 * do, and then what the store and the leases say to it.
 * Answers have a header with the revision alone; who asked which member is known further up.
 */
export class Kv {
  readonly #store: MvccStore;
  readonly #leases: KvLeases;
  readonly #planCheck: PlanCheck;
  readonly #maxTxnOps: number;
  readonly #maxRequestBytes: number;
  readonly rules: KvRules;

  /** @throws {TypeError} for a wrong option */
  constructor(store: MvccStore, leases: KvLeases, options: KvOptions = {}) {
    const { maxTxnOps = 128, maxRequestBytes = 1.5 * 1024 * 1024, version = "3.5" } = options;
    this.#store = store;
    this.#leases = leases;
    this.#maxTxnOps = positive("maxTxnOps", maxTxnOps);
    this.#maxRequestBytes = positive("maxRequestBytes", maxRequestBytes);
    this.rules = rulesOf(version);
    this.#planCheck = new PlanCheck(store, leases, this.rules);
  }

  range(request: RangeRequest, caller?: Caller): RangeResponseInput {
    checkRange(request);
    this.#permissionsOf(caller)?.range(request);
    return readRange(this.#store, request, this.rules);
  }

  /**
   * A range in pieces, read as they are taken.
   * @throws {StatusError} unimplemented, before etcd 3.7 and for orders and filters
   */
  rangeStream(request: RangeRequest, caller?: Caller): Iterable<RangeResponseInput> {
    if (!this.rules.hasRangeStream)
      throw new StatusError(status.UNIMPLEMENTED, "unknown method RangeStream for service etcdserverpb.KV");
    checkRange(request);
    checkStream(request);
    this.#permissionsOf(caller)?.range(request);
    return readStream(this.#store, request, this.rules, this.#maxRequestBytes);
  }

  put(request: PutRequest, caller?: Caller): PutResponseInput {
    checkPut(request);
    const permissions = this.#permissionsOf(caller);
    if (isPutTooLarge(request, this.#maxRequestBytes)) throw errors.requestTooLarge();
    permissions?.put(request);
    requireLease(this.#leases, request);
    return this.#write((tx, moves) => put(tx, moves, request));
  }

  deleteRange(request: DeleteRangeRequest, caller?: Caller): DeleteRangeResponseInput {
    checkDelete(request);
    const permissions = this.#permissionsOf(caller);
    if (isDeleteTooLarge(request, this.#maxRequestBytes)) throw errors.requestTooLarge();
    permissions?.deleteRange(request);
    return this.#write((tx, moves) => deleteRange(tx, moves, request));
  }

  txn(request: TxnRequest, caller?: Caller): TxnResponseInput {
    checkTxn(request, this.#maxTxnOps);
    const permissions = this.#permissionsOf(caller);
    const readsOnly = isReadOnly(request);
    if (!readsOnly && isTxnTooLarge(request, this.#maxRequestBytes)) throw errors.requestTooLarge();
    permissions?.txn(request);
    const plan = planTxn(this.#store, request);
    this.#planCheck.check(plan);
    if (readsOnly) return readPlan(this.#store, plan, this.rules, this.#store.revision);
    return this.#write((tx, moves) => writePlan(tx, moves, plan, this.rules));
  }

  /** Whether the caller may do this is to be asked before: it is root's. */
  compact({ revision }: CompactionRequest): CompactionResponseInput {
    this.#store.compact(revision);
    return { header: { revision: this.#store.revision } };
  }

  #permissionsOf(caller: Caller | undefined): Permissions | undefined {
    const access = caller?.access;
    return access && new Permissions(access, this.#leases);
  }

  #write<Answer>(work: (tx: WriteTx, moves: LeaseMoves) => Answer): Answer {
    return this.#store.write((tx) => {
      const moves = new LeaseMoves(this.#leases);
      const answer = work(tx, moves);
      moves.apply();
      return answer;
    });
  }
}
