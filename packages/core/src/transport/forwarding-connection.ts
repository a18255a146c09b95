import type { Connection, OpenStreamOptions, UnaryOptions } from "./connection.ts";
import type { ConnectionMonitor } from "./connection-monitor.ts";
import type { PickOptions } from "./endpoint-pool.ts";
import type { Endpoint } from "./endpoint.ts";
import type { RpcStream, StreamHandlers } from "./rpc-stream.ts";
import type { StreamRpc, UnaryRpc } from "./rpcs.ts";

/** A connection that goes through another one, as it is; who extends it says what is different. */
export abstract class ForwardingConnection implements Connection {
  protected readonly outer: Connection;

  constructor(outer: Connection) {
    this.outer = outer;
  }

  get closing(): AbortSignal {
    return this.outer.closing;
  }

  get defaultTimeoutMs(): number {
    return this.outer.defaultTimeoutMs;
  }

  get endpoints(): readonly Endpoint[] {
    return this.outer.endpoints;
  }

  get monitor(): ConnectionMonitor {
    return this.outer.monitor;
  }

  unary<Request, Response>(
    rpc: UnaryRpc<Request, Response>,
    request: Request,
    options?: UnaryOptions,
  ): Promise<Response> {
    return this.outer.unary(rpc, request, options);
  }

  openStream<Request, Response>(
    rpc: StreamRpc<Request, Response>,
    handlers: StreamHandlers<Response>,
    options?: OpenStreamOptions,
  ): Promise<RpcStream<Request, Response> | undefined> {
    return this.outer.openStream(rpc, handlers, options);
  }

  spoken<Rpc extends Parameters<Connection["spoken"]>[0]>(rpc: Rpc): Rpc {
    return this.outer.spoken(rpc);
  }

  acquire(
    signals: readonly AbortSignal[],
    options?: Pick<PickOptions, "only" | "avoid">,
  ): Promise<Endpoint | undefined> {
    return this.outer.acquire(signals, options);
  }

  endpointAt(value: string): Endpoint {
    return this.outer.endpointAt(value);
  }

  beginClosing(): void {
    this.outer.beginClosing();
  }

  drain(graceMs: number): Promise<void> {
    return this.outer.drain(graceMs);
  }

  close(): void {
    this.outer.close();
  }
}
