import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import { type Bytes, keyId, toBytes, toKey } from "../kv/bytes.ts";
import type { KeyRange } from "../kv/key-range.ts";
import { KeyValue } from "../kv/key-value.ts";
import { type LeaseRef, leaseId } from "../kv/put.ts";
import type { RangeOptions, RangeResult } from "../kv/range.ts";
import { op } from "../txn/op.ts";
import type { Op } from "../txn/txn-types.ts";
import type { Txn } from "../txn/txn.ts";
import { refuseUnknown } from "../util/validate.ts";
import type { IsolationRules } from "./isolation.ts";

export interface StmPutOptions {
  /** The lease the key shall live on. @default none */
  readonly lease?: LeaseRef | undefined;
}

/** What the function given to `stm` works with. It ends with the call it was made for. */
export interface StmTransaction {
  /** Aborts when the whole `stm` call ends early; for what else the function waits for. */
  readonly signal: AbortSignal;
  /**
   * Reads a key, once per run of the function: later reads give the same. A key written before in this run is given as
   * it will be, with zeros for its revisions and version, which it does not have yet.
   */
  get(key: Bytes): Promise<KeyValue | undefined>;
  /** Writes a key at commit. The last write to a key counts. */
  put(key: Bytes, value: Bytes, options?: StmPutOptions): void;
  /** Deletes a key at commit, if it exists. */
  delete(key: Bytes): void;
}

/** What `stm` needs of a client. */
export interface StmClient {
  readonly timeoutMs: number;
  range(range: KeyRange, options: RangeOptions): Promise<RangeResult>;
  txn(): Txn;
}

export interface Read {
  readonly key: Uint8Array;
  readonly kv: KeyValue | undefined;
}

export interface Write {
  readonly key: Uint8Array;
  readonly op: Op;
  /** What a later read in the same run gives. */
  readonly kv: KeyValue | undefined;
}

/** Keys as they were at one revision, known from the answer to a commit that failed. */
export interface Prefetched {
  readonly revision: bigint;
  readonly reads: ReadonlyMap<string, Read>;
}

export interface AttemptParts {
  readonly client: StmClient;
  readonly rules: IsolationRules;
  readonly signal: AbortSignal;
  readonly prefetched: Prefetched | undefined;
  /** An earlier run was refused, perhaps because the member asked lags behind; so no member is taken at its word now. */
  readonly again: boolean;
}

/** One run of the function: what it read and what it wants to write. */
export class Attempt implements StmTransaction {
  readonly signal: AbortSignal;
  readonly reads: Map<string, Read> = new Map();
  readonly writes: Map<string, Write> = new Map();
  readonly #client: StmClient;
  readonly #rules: IsolationRules;
  readonly #prefetched: Prefetched | undefined;
  readonly #again: boolean;
  readonly #reading = new Map<string, Promise<KeyValue | undefined>>();
  #snapshot: Promise<bigint> | undefined;
  #revision: bigint;
  #outdated = false;
  #over = false;

  constructor({ client, rules, signal, prefetched, again }: AttemptParts) {
    this.signal = signal;
    this.#client = client;
    this.#rules = rules;
    this.#prefetched = prefetched;
    this.#again = again;
    this.#revision = prefetched?.revision ?? 0n;
    if (prefetched !== undefined) this.#snapshot = Promise.resolve(prefetched.revision);
  }

  /** The revision of the snapshot; without one, the highest that anything was read at. 0n before the first read. */
  get revision(): bigint {
    return this.#revision;
  }

  /** The snapshot was compacted while the function ran, so that it must run anew. */
  get outdated(): boolean {
    return this.#outdated;
  }

  async get(key: Bytes): Promise<KeyValue | undefined> {
    this.#checkOpen();
    const bytes = Buffer.from(toKey(key));
    const id = keyId(bytes);
    const write = this.writes.get(id);
    if (write !== undefined) return write.kv;
    let reading = this.#reading.get(id);
    if (reading === undefined) {
      reading = this.#read(id, bytes);
      this.#reading.set(id, reading);
    }
    return reading;
  }

  put(key: Bytes, value: Bytes, options: StmPutOptions = {}): void {
    this.#checkOpen();
    refuseUnknown(options, ["lease"], "put");
    // Copies, since they are sent later, when the caller may have other use for the bytes.
    const bytes = Buffer.from(toKey(key));
    const copy = Buffer.from(toBytes(value, "value"));
    const lease = options.lease === undefined ? 0n : leaseId(options.lease);
    const kv = new KeyValue({
      key: bytes,
      value: copy,
      lease,
      createRevision: 0n,
      modRevision: 0n,
      version: 0n,
    });
    this.writes.set(keyId(bytes), { key: bytes, op: op.put(bytes, copy, options), kv });
  }

  delete(key: Bytes): void {
    this.#checkOpen();
    const bytes = Buffer.from(toKey(key));
    this.writes.set(keyId(bytes), { key: bytes, op: op.delete(bytes), kv: undefined });
  }

  /** Nothing more is taken: what is sent must be what the function had decided when it returned. */
  end(): void {
    this.#over = true;
  }

  #checkOpen(): void {
    if (this.#over) throw new EtcdError("CLOSED", "a transaction was used after its function had returned");
  }

  async #read(id: string, key: Uint8Array): Promise<KeyValue | undefined> {
    const known = this.#prefetched?.reads.get(id);
    try {
      const kv = known === undefined ? await this.#fetch(key) : known.kv;
      this.reads.set(id, { key, kv });
      return kv;
    } catch (error) {
      if (isEtcdError(error, "COMPACTED")) this.#outdated = true;
      this.#reading.delete(id);
      throw error;
    }
  }

  async #fetch(key: Uint8Array): Promise<KeyValue | undefined> {
    if (!this.#rules.snapshot) return this.#ask(key, { serializable: !this.#again });
    if (this.#snapshot !== undefined) return this.#fetchAt(await this.#snapshot, key);
    // The first read is linearizable, and fixes the revision of all others.
    const first = this.#client.range(key, { signal: this.signal });
    this.#snapshot = first.then(({ revision }) => (this.#revision = revision));
    try {
      return (await Promise.all([first, this.#snapshot]))[0].kvs[0];
    } catch (error) {
      this.#snapshot = undefined;
      throw error;
    }
  }

  /** Any member that has the revision knows the answer; only one that lags behind must ask the others. */
  async #fetchAt(revision: bigint, key: Uint8Array): Promise<KeyValue | undefined> {
    try {
      return await this.#ask(key, { revision, serializable: true });
    } catch (error) {
      if (!isEtcdError(error, "FUTURE_REVISION")) throw error;
      return this.#ask(key, { revision });
    }
  }

  async #ask(key: Uint8Array, options: RangeOptions): Promise<KeyValue | undefined> {
    const { kvs, revision } = await this.#client.range(key, { ...options, signal: this.signal });
    if (!this.#rules.snapshot && revision > this.#revision) this.#revision = revision;
    return kvs[0];
  }
}
