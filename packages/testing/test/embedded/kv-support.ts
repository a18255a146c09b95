import { Client, type ServiceError, credentials, status } from "@grpc/grpc-js";
import { services } from "@quorumkit/proto";
import type {
  CompactionRequestInput,
  DeleteRangeRequestInput,
  PutRequestInput,
  RangeRequestInput,
  TxnRequestInput,
} from "@quorumkit/proto";
import { StatusError } from "../../src/embedded/errors.ts";
import { Kv, type KvLeases, type KvOptions } from "../../src/embedded/kv/kv.ts";
import type { Caller } from "../../src/embedded/kv/access.ts";
import { MvccStore } from "../../src/embedded/mvcc/store.ts";

/** One request on keys, by its method. */
export type KvCall =
  | { readonly range: RangeRequestInput }
  | { readonly put: PutRequestInput }
  | { readonly deleteRange: DeleteRangeRequestInput }
  | { readonly txn: TxnRequestInput }
  | { readonly compact: CompactionRequestInput };

/** An answer without what differs from server to server, or the status of a failure. */
export type KvAnswer = { readonly answer: unknown } | { readonly code: string; readonly details: string };

type MethodName = "range" | "put" | "deleteRange" | "txn" | "compact";

interface Method {
  readonly path: string;
  readonly requestSerialize: (request: object) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => object;
  readonly responseSerialize: (response: object) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => object;
}

function parts(call: KvCall): { name: MethodName; method: Method; request: object } {
  const [[name, request]] = Object.entries(call) as [[MethodName, object]];
  return {
    name,
    method: services.kv[name] as unknown as Method,
    request,
  };
}

/**
 * A message as other clients send it. protobufjs also sends an empty field that was given, and etcd takes a `rangeEnd`
 * that was sent empty for "from this key on" when it only reads.
 */
function withoutEmptyEnds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmptyEnds);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  const fields = Object.entries(value).filter(
    ([name, each]) => !(name === "rangeEnd" && (each as Uint8Array).length === 0),
  );
  return Object.fromEntries(fields.map(([name, each]) => [name, withoutEmptyEnds(each)]));
}

/** Plain values, as they are on the wire; bytes as Latin-1. */
function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString("latin1");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return value;
  const left = Object.entries(value).filter(
    ([name]) => !["clusterId", "memberId", "raftTerm"].includes(name),
  );
  return Object.fromEntries(
    left.map(([name, each]) => [name, plain(each)]).filter(([, each]) => !isZero(each)),
  );
}

/** Zero, empty and absent are one on the wire. */
function isZero(value: unknown): boolean {
  return (
    value === "" ||
    value === "0n" ||
    value === false ||
    value === 0 ||
    (Array.isArray(value) && value.length === 0)
  );
}

function failure({ code, details }: { code: status; details: string }): KvAnswer {
  return { code: status[code], details };
}

/** Leases that need no time: they are there from {@link grant} to {@link revoke}. */
class TestLeases implements KvLeases {
  readonly #keys = new Map<bigint, Set<string>>();

  grant(id: bigint): void {
    this.#keys.set(id, new Set());
  }

  attach(id: bigint, key: Buffer): void {
    const keys = this.#keys.get(id);
    if (keys === undefined) throw new Error(`no lease ${id}`);
    keys.add(key.toString("latin1"));
  }

  detach(id: bigint, key: Buffer): void {
    this.#keys.get(id)?.delete(key.toString("latin1"));
  }

  exists(id: bigint): boolean {
    return this.#keys.has(id);
  }

  keysOf(id: bigint): Buffer[] {
    return this.namesOf(id).map((name) => Buffer.from(name, "latin1"));
  }

  namesOf(id: bigint): string[] {
    return [...(this.#keys.get(id) ?? [])].sort();
  }
}

/** A store with its front, spoken to with messages that went over the wire. */
export class TestKv {
  readonly store = new MvccStore();
  readonly leases = new TestLeases();
  readonly kv: Kv;

  constructor(options: KvOptions = {}) {
    this.kv = new Kv(this.store, this.leases, options);
  }

  call(call: KvCall, caller?: Caller): KvAnswer {
    const { name, method, request } = parts(call);
    const decoded = method.requestDeserialize(method.requestSerialize(withoutEmptyEnds(request) as object));
    const work = this.kv[name] as unknown as (request: object, caller?: Caller) => object;
    try {
      const answer = work.call(this.kv, decoded, caller);
      return { answer: plain(method.responseDeserialize(method.responseSerialize(answer))) };
    } catch (error) {
      if (error instanceof StatusError) return failure(error);
      throw error;
    }
  }
}

/** A real etcd, spoken to with the same messages. */
export class RealKv {
  readonly #client: Client;

  constructor(endpoint: string) {
    this.#client = new Client(endpoint.replace(/^https?:\/\//, ""), credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
    });
  }

  /** @param asGiven Send empty fields that were given, too. */
  call(call: KvCall, asGiven = false): Promise<KvAnswer> {
    const { method, request } = parts(call);
    return this.#unary(method, asGiven ? request : (withoutEmptyEnds(request) as object)).then(
      (answer) => ({ answer: plain(answer) }),
      (error: unknown) => failure(error as ServiceError),
    );
  }

  async grant(ID: bigint): Promise<void> {
    await this.#unary(services.lease.leaseGrant as unknown as Method, { ID, TTL: 3600n });
  }

  async leaseKeys(ID: bigint): Promise<string[]> {
    const method = services.lease.leaseTimeToLive as unknown as Method;
    const { keys } = (await this.#unary(method, { ID, keys: true })) as { keys: Buffer[] };
    return keys.map((key) => key.toString("latin1")).sort();
  }

  async hash(revision: bigint): Promise<number> {
    const answer = await this.#unary(services.maintenance.hashKV as unknown as Method, { revision });
    return (answer as { hash: number }).hash;
  }

  close(): void {
    this.#client.close();
  }

  #unary(method: Method, request: object): Promise<object> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        (error, answer) => {
          if (error) reject(error);
          else resolve(answer ?? {});
        },
      );
    });
  }
}

export function bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}
