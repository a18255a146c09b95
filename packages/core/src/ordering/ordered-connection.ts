import type { ResponseHeader } from "@quorumkit/proto";
import type { Connection, OpenStreamOptions, UnaryOptions } from "../transport/connection.ts";
import type { ConnectionMonitor } from "../transport/connection-monitor.ts";
import type { PickOptions } from "../transport/endpoint-pool.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { RpcStream, StreamHandlers } from "../transport/rpc-stream.ts";
import type { StreamRpc, UnaryRpc } from "../transport/rpcs.ts";

/** The service whose reads are of a revision. */
const KV = "/etcdserverpb.KV/";

/**
 * A connection whose reads never go back: it knows the newest revision that came through it, and a read that began
 * after that is not answered with an older one. Only reads are asked again; a write was applied, however old its answer
 * (sending it again is what Go's `client/v3/ordering` does, etcd#22086).
 */
export class OrderedConnection implements Connection {
  readonly #outer: Connection;
  #seen = 0n;

  constructor(outer: Connection) {
    this.#outer = outer;
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

  async unary<Request, Response>(
    rpc: UnaryRpc<Request, Response>,
    request: Request,
    options: UnaryOptions = {},
  ): Promise<Response> {
    const read = rpc.kind === "read" && rpc.method.path.startsWith(KV);
    // What it is when the call begins: of reads at the same time, either may be answered first.
    const since = this.#seen;
    const response = await this.#outer.unary(rpc, request, read ? { ...options, since } : options);
    this.#note(response);
    return response;
  }

  openStream<Request, Response>(
    rpc: StreamRpc<Request, Response>,
    handlers: StreamHandlers<Response>,
    options?: OpenStreamOptions,
  ): Promise<RpcStream<Request, Response> | undefined> {
    const noting: StreamHandlers<Response> = {
      onMessage: (message) => {
        this.#note(message);
        handlers.onMessage(message);
      },
      onEnd: (error, temporary) => handlers.onEnd(error, temporary),
    };
    return this.#outer.openStream(rpc, noting, options);
  }

  spoken<Rpc extends Parameters<Connection["spoken"]>[0]>(rpc: Rpc): Rpc {
    return this.#outer.spoken(rpc);
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

  #note(answer: unknown): void {
    const { header } = answer as { readonly header?: ResponseHeader | null };
    if (header && header.revision > this.#seen) this.#seen = header.revision;
  }
}
