import type { DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest } from "@quorumkit/proto";
import type { KvAccess } from "./access.ts";
import type { KvLeases } from "./lease-moves.ts";

const oneKey = Buffer.alloc(0);

/**
 * Asks for each key of a request, whatever branch it is in, whether the caller may do that.
 * Source: etcd, server/etcdserver/apply_auth.go.
 */
export class Permissions {
  readonly #access: KvAccess;
  readonly #leases: KvLeases;

  constructor(access: KvAccess, leases: KvLeases) {
    this.#access = access;
    this.#leases = leases;
  }

  range(request: RangeRequest): void {
    this.#access.read(request);
  }

  put({ key, lease, prevKv }: PutRequest): void {
    const span = { key, rangeEnd: oneKey };
    this.#access.write(span);
    // Who attaches a key to a lease ends up able to have the lease's other keys deleted.
    if (lease !== 0n) this.#access.writeEach(this.#leases.keysOf?.(lease) ?? []);
    if (prevKv) this.#access.read(span);
  }

  deleteRange(request: DeleteRangeRequest): void {
    this.#access.write(request);
    if (request.prevKv) this.#access.read(request);
  }

  txn({ compare, success, failure }: TxnRequest): void {
    for (const each of compare) this.#access.read(each);
    for (const op of success) this.#op(op);
    for (const op of failure) this.#op(op);
  }

  #op({ requestRange, requestPut, requestDeleteRange, requestTxn }: RequestOp): void {
    if (requestRange) this.range(requestRange);
    else if (requestPut) this.put(requestPut);
    else if (requestDeleteRange) this.deleteRange(requestDeleteRange);
    else if (requestTxn) this.txn(requestTxn);
  }
}
