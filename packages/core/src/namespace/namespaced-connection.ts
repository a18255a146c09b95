import type { RpcMethod } from "@quorumkit/proto";
import type { Connection, OpenStreamOptions, UnaryOptions } from "../transport/connection.ts";
import type { ConnectionMonitor } from "../transport/connection-monitor.ts";
import type { PickOptions } from "../transport/endpoint-pool.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { RpcStream, StreamHandlers } from "../transport/rpc-stream.ts";
import type { StreamRpc, UnaryRpc } from "../transport/rpcs.ts";
import type { Namespace } from "./namespace.ts";
import { TRANSLATIONS } from "./translations.ts";

/**
 * A connection whose keys are those of a namespace. It puts the prefix before every key where a request is made into
 * bytes, and takes it off where an answer is made of them, so whatever goes through it is inside, and nothing above it
 * has to know.
 */
export class NamespacedConnection implements Connection {
  readonly #outer: Connection;
  readonly #namespace: Namespace;
  /** The RPCs as they are spoken here, each made once. */
  readonly #spoken = new WeakMap<object, object>();

  constructor(outer: Connection, namespace: Namespace) {
    this.#outer = outer;
    this.#namespace = namespace;
  }

  get closing(): AbortSignal {
    return this.#outer.closing;
  }

  get defaultTimeoutMs(): number {
    return this.#outer.defaultTimeoutMs;
  }

  get endpoints(): readonly Endpoint[] {
    return this.#outer.endpoints;
  }

  get monitor(): ConnectionMonitor {
    return this.#outer.monitor;
  }

  unary<Request, Response>(
    rpc: UnaryRpc<Request, Response>,
    request: Request,
    options?: UnaryOptions,
  ): Promise<Response> {
    return this.#outer.unary(this.spoken(rpc), request, options);
  }

  openStream<Request, Response>(
    rpc: StreamRpc<Request, Response>,
    handlers: StreamHandlers<Response>,
    options?: OpenStreamOptions,
  ): Promise<RpcStream<Request, Response> | undefined> {
    return this.#outer.openStream(this.spoken(rpc), handlers, options);
  }

  spoken<Rpc extends { readonly method: { readonly path: string } }>(rpc: Rpc): Rpc {
    const translation = TRANSLATIONS.get(rpc.method.path);
    if (translation === undefined) return this.#outer.spoken(rpc);
    const known = this.#spoken.get(rpc);
    if (known !== undefined) return known as Rpc;
    const namespace = this.#namespace;
    const outer = this.#outer.spoken(rpc);
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

  acquire(
    signals: readonly AbortSignal[],
    options?: Pick<PickOptions, "only" | "avoid">,
  ): Promise<Endpoint | undefined> {
    return this.#outer.acquire(signals, options);
  }

  endpointAt(value: string): Endpoint {
    return this.#outer.endpointAt(value);
  }

  beginClosing(): void {
    this.#outer.beginClosing();
  }

  drain(graceMs: number): Promise<void> {
    return this.#outer.drain(graceMs);
  }

  close(): void {
    this.#outer.close();
  }
}
