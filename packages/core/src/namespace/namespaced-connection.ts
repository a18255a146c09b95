import type { RpcMethod } from "@quorumkit/proto";
import type { Connection, OpenStreamOptions, UnaryOptions } from "../transport/connection.ts";
import { ForwardingConnection } from "../transport/forwarding-connection.ts";
import type { RpcStream, StreamHandlers } from "../transport/rpc-stream.ts";
import type { StreamRpc, UnaryRpc } from "../transport/rpcs.ts";
import type { Namespace } from "./namespace.ts";
import { TRANSLATIONS } from "./translations.ts";

/**
 * A connection whose keys are those of a namespace. It puts the prefix before every key where a request is made into
 * bytes, and takes it off where an answer is made of them, so whatever goes through it is inside, and nothing above it
 * has to know.
 */
export class NamespacedConnection extends ForwardingConnection {
  readonly #namespace: Namespace;
  /** The RPCs as they are spoken here, each made once. */
  readonly #spoken = new WeakMap<object, object>();

  constructor(outer: Connection, namespace: Namespace) {
    super(outer);
    this.#namespace = namespace;
  }

  override unary<Request, Response>(
    rpc: UnaryRpc<Request, Response>,
    request: Request,
    options?: UnaryOptions,
  ): Promise<Response> {
    return this.outer.unary(this.spoken(rpc), request, options);
  }

  override openStream<Request, Response>(
    rpc: StreamRpc<Request, Response>,
    handlers: StreamHandlers<Response>,
    options?: OpenStreamOptions,
  ): Promise<RpcStream<Request, Response> | undefined> {
    return this.outer.openStream(this.spoken(rpc), handlers, options);
  }

  override spoken<Rpc extends Parameters<Connection["spoken"]>[0]>(rpc: Rpc): Rpc {
    const translation = TRANSLATIONS.get(rpc.method.path);
    if (translation === undefined) return this.outer.spoken(rpc);
    const known = this.#spoken.get(rpc);
    if (known !== undefined) return known as Rpc;
    const namespace = this.#namespace;
    const outer = this.outer.spoken(rpc);
    const method = outer.method as unknown as RpcMethod<object, object>;
    const spoken = {
      ...outer,
      method: {
        ...method,
        requestSerialize: (request: object) =>
          method.requestSerialize(translation.request(namespace, request)),
        responseDeserialize: (bytes: Buffer) => {
          const response = method.responseDeserialize(bytes);
          translation.response(namespace, response);
          return response;
        },
      },
    };
    this.#spoken.set(rpc, spoken);
    return spoken;
  }
}
