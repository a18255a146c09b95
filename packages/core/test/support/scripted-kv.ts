import { Server, ServerCredentials, type ServerUnaryCall, status } from "@grpc/grpc-js";
import {
  type PutRequest,
  type RangeRequest,
  type ResponseHeader,
  rpcs,
  services,
  type TxnRequest,
} from "@quorumkit/proto";

/** A call as it came in. */
export type KvCall = {
  readonly requireLeader: boolean;
  /** Of the request, in bytes. */
  readonly size: number;
  /** By the client, before it was answered. */
  cancelled: boolean;
} & (
  | { readonly rpc: "Range"; readonly request: RangeRequest }
  | { readonly rpc: "Put"; readonly request: PutRequest }
  | { readonly rpc: "Txn"; readonly request: TxnRequest }
);

export type KvRpc = KvCall["rpc"];

interface Refusal {
  readonly code: status;
  readonly details: string;
}

type Callback = (error: Refusal | null, response?: object) => void;

/** Starts a server that keeps no keys, but every request, and fails as it is told. */
export async function startScriptedKv(): Promise<ScriptedKv> {
  const server = new Server();
  const kv = new ScriptedKv(server);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  kv.endpoint = `http://127.0.0.1:${port}`;
  return kv;
}

export class ScriptedKv {
  endpoint = "";
  readonly calls: KvCall[] = [];
  /** What calls of an RPC are refused with. */
  readonly refusals = new Map<KvRpc, Refusal>();
  /** What calls wait for before they are answered. */
  gate: Promise<void> = Promise.resolve();
  /** As etcd's `--max-txn-ops`. */
  maxTxnOps = 128;
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
    server.addService(services.kv, {
      range: this.#handler("Range", () => ({ kvs: [], count: 0n, more: false })),
      put: this.#handler("Put", () => ({})),
      txn: this.#handler("Txn", (request) => ({
        succeeded: true,
        // The headers of the parts are left out; real ones are incomplete.
        responses: (request as TxnRequest).success.map((each) =>
          each.requestPut ? { responsePut: {} } : { responseRange: { kvs: [] } },
        ),
      })),
      deleteRange: () => {},
      compact: () => {},
      rangeStream: () => {},
    });
  }

  count(rpc: KvRpc): number {
    return this.calls.filter((each) => each.rpc === rpc).length;
  }

  /** The transactions that came in. */
  get txns(): readonly (KvCall & { rpc: "Txn" })[] {
    return this.calls.filter((each) => each.rpc === "Txn");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
    return Promise.resolve();
  }

  #handler(rpc: KvRpc, answer: (request: object) => object) {
    const { requestSerialize } = { Range: rpcs.kv.range, Put: rpcs.kv.put, Txn: rpcs.kv.txn }[rpc];
    return (call: ServerUnaryCall<object, object>, callback: Callback): void => {
      const { request } = call;
      const seen = {
        rpc,
        request,
        requireLeader: call.metadata.get("hasleader").length > 0,
        size: requestSerialize(request).length,
        cancelled: false,
      } as KvCall;
      this.calls.push(seen);
      let answered = false;
      call.on("cancelled", () => (seen.cancelled = !answered));
      const end = async (): Promise<void> => {
        await this.gate;
        answered = true;
        const refusal = this.#refusalOf(seen);
        if (refusal === undefined) callback(null, { header: HEADER, ...answer(request) });
        else callback(refusal);
      };
      void end();
    };
  }

  #refusalOf({ rpc, request }: KvCall): Refusal | undefined {
    if (rpc === "Txn" && request.success.length > this.maxTxnOps) return TOO_MANY;
    return this.refusals.get(rpc);
  }
}

const HEADER: ResponseHeader = { clusterId: 1n, memberId: 2n, revision: 7n, raftTerm: 1n };

const TOO_MANY: Refusal = {
  code: status.INVALID_ARGUMENT,
  details: "etcdserver: too many operations in txn request",
};
