import { isEtcdError } from "../errors/etcd-error.ts";
import { type Bytes, toKey } from "../kv/bytes.ts";
import type { DeleteOptions, DeleteResult } from "../kv/delete.ts";
import type { KeyRange, WireRange } from "../kv/key-range.ts";
import type { KeyValue } from "../kv/key-value.ts";
import type { PutOptions, PutResult } from "../kv/put.ts";
import { type GetOptions, getRequest, type RangeOptions, type RangeResult } from "../kv/range.ts";
import { type CallOptions, checkCallOptions } from "../transport/call-options.ts";
import { op } from "../txn/op.ts";
import { guardedWrite, withOutcome, type Write } from "./guarded-write.ts";
import type { LeasingClient } from "./leasing-client.ts";
import { type LeasingOptions, resolveLeasingOptions } from "./leasing-options.ts";
import { LeasingTxn } from "./leasing-txn.ts";
import { OwnershipKeys } from "./ownership-keys.ts";
import type { Term } from "./term.ts";
import { Terms } from "./terms.ts";
import { writesOf } from "./writes-of.ts";

/**
 * Linearizable reads from memory. A key that is read becomes ours, if nobody else has it: others then have to ask before they
 * write it, and until they do, reads of it ask nobody. Made for keys that one process reads often and others write seldom.
 *
 * Keys and rules are those of Go's `client/v3/leasing`: who owns `k` has the key `prefix + k` on its lease, and who wants to
 * write `k` puts `REVOKE` into that and waits until it is deleted.
 *
 * **Every write of these keys has to come through a leasing cache with this prefix.** One that does not is not noticed, and
 * the owner goes on answering what was there before. The same is true of keys that a lease deletes which was attached
 * elsewhere, of ownership keys that somebody deletes, until the watch tells, and of a restored backup. Where etcd has users,
 * this one reads and writes the ownership keys, too.
 */
export class Leasing implements AsyncDisposable {
  readonly #client: LeasingClient;
  readonly #keys: OwnershipKeys;
  readonly #terms: Terms;

  private constructor(client: LeasingClient, keys: OwnershipKeys, terms: Terms) {
    this.#client = client;
    this.#keys = keys;
    this.#terms = terms;
  }

  /** Made by `EtcdClient.leasing`. */
  static async open(client: LeasingClient, prefix: Bytes, options: LeasingOptions): Promise<Leasing> {
    const keys = new OwnershipKeys(prefix);
    const resolved = resolveLeasingOptions(client, options);
    const { signal, timeoutMs } = options;
    const terms = await Terms.open({ client, keys, options: resolved }, { signal, timeoutMs });
    return new Leasing(client, keys, terms);
  }

  /** How many keys are owned at this moment, and answered from memory. */
  get size(): number {
    return this.#terms.current?.size ?? 0;
  }

  /**
   * Reads one key: from memory if it is ours and its lease is proven to live at this moment, else from etcd, linearizable
   * either way. Reads with options other than `signal` and `timeoutMs` are the client's own.
   *
   * @throws EtcdError as the client's `get`; `CLOSED`; with a session of yours that has ended, why it has.
   */
  async get(key: Bytes, options: GetOptions = {}): Promise<KeyValue | undefined> {
    const request = getRequest(key, options);
    checkCallOptions(options);
    this.#terms.check();
    const { revision, serializable, keysOnly, ...call } = options;
    const plain = revision !== undefined || serializable === true || keysOnly === true;
    const term = plain || this.#keys.overlap({ key: request.key }) ? undefined : this.#terms.current;
    const known = term?.read(request.key);
    if (known !== undefined) return known.kv;
    if (term?.mayAcquire(request.key) !== true) return this.#client.get(key, options);
    return this.#acquire(term, request.key, call);
  }

  /** Reads a range of keys from etcd, as the client does: nobody can own a key that is not there yet. */
  async range(range: KeyRange, options: RangeOptions = {}): Promise<RangeResult> {
    this.#terms.check();
    return this.#client.range(range, options);
  }

  /**
   * Writes a key when nobody else owns it any more. An owner that does not answer holds it up for the rest of its TTL: 60
   * seconds for Go's unless set, while `timeoutMs` is the client's 5 seconds unless given.
   *
   * @throws EtcdError as the client's `put`; `TIMEOUT` with outcome `notApplied` when an owner has not given up by then.
   */
  async put(key: Bytes, value: Bytes, options: PutOptions = {}): Promise<PutResult> {
    const { signal, timeoutMs, ...putOptions } = options;
    const operation = op.put(toKey(key), value, putOptions);
    const { result } = await this.#write({ what: "put", operation }, { signal, timeoutMs });
    return result;
  }

  /**
   * Deletes a key or a range of keys when nobody else owns them any more; see {@link put}. What is owned of a range is given
   * up, by this cache as well.
   */
  async delete(range: KeyRange, options: DeleteOptions = {}): Promise<DeleteResult> {
    const { signal, timeoutMs, ...deleteOptions } = options;
    const operation = op.delete(range, deleteOptions);
    const { result } = await this.#write({ what: "delete", operation }, { signal, timeoutMs });
    return result;
  }

  /** Begins a transaction: `txn().if(…).then(…).else(…).commit()`. */
  txn(): LeasingTxn {
    return new LeasingTxn(async (write, options) => this.#write(write, options), this.#client.txn());
  }

  /** Gives up all keys, and ends the session unless it is yours. Never rejects: what etcd cannot be told ends with the lease. */
  async close(): Promise<void> {
    await this.#terms.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #acquire(term: Term, key: Uint8Array, options: CallOptions): Promise<KeyValue | undefined> {
    const { signal, timeoutMs = this.#client.timeoutMs } = options;
    const deadline = performance.now() + timeoutMs;
    try {
      return await term.acquire(key, { signal, timeoutMs });
    } catch (error) {
      // The read was asked for, and needs neither a lease nor space.
      if (!isEtcdError(error, "LEASE_NOT_FOUND", "NO_SPACE")) throw withOutcome(error, undefined);
    }
    const leftMs = Math.max(1, deadline - performance.now());
    return this.#client.get(key, { signal, timeoutMs: leftMs });
  }

  async #write<Result>(
    { what, operation }: Pick<Write<Result>, "what" | "operation">,
    options: CallOptions,
  ): Promise<{ readonly result: Result; readonly revision: bigint }> {
    checkCallOptions(options);
    const writes = writesOf([operation.wire]);
    const ranges: readonly WireRange[] = [...writes.keys.map((key) => ({ key })), ...writes.ranges];
    if (ranges.some((range) => this.#keys.overlap(range))) {
      throw new TypeError(`${what}: key must be none of the ownership keys, which begin with the prefix`);
    }
    this.#terms.check();
    const { closing } = this.#terms;
    const context = { client: this.#client, keys: this.#keys, term: () => this.#terms.current, closing };
    return guardedWrite(context, { what, operation, writes }, options);
  }
}
