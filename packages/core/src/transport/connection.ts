import type { CallOptions } from "./call-options.ts";
import type { CallProgress } from "./call-progress.ts";
import type { ConnectionMonitor } from "./connection-monitor.ts";
import type { PickOptions } from "./endpoint-pool.ts";
import type { Endpoint } from "./endpoint.ts";
import type { RpcStream, StreamHandlers } from "./rpc-stream.ts";
import type { StreamRpc, UnaryRpc } from "./rpcs.ts";

export interface UnaryOptions extends CallOptions {
  /** For what closing itself has to do: goes through while the client closes. @default false */
  readonly whileClosing?: boolean;
  /** The member to ask, and no other. @default any */
  readonly endpoint?: Endpoint | undefined;
  /** In place of {@link Connection.closing}: keeps the call from being sent, but lets it end once it was. */
  readonly stop?: AbortSignal | undefined;
  /** For the client's own upkeep: not a sign that the client is in use. @default false */
  readonly background?: boolean | undefined;
  /**
   * For reads of keys: an answer of an older revision is not taken, and the next endpoint is asked. `FUTURE_REVISION` when
   * the deadline passes before one is as far.
   */
  readonly since?: bigint | undefined;
  /** Is told how the call goes, for those who do not wait for its end. */
  readonly progress?: CallProgress | undefined;
}

export interface OpenStreamOptions {
  readonly avoid?: Endpoint | undefined;
  /** A stream that may hang: where the new one is to the same endpoint it gets another connection. */
  readonly besides?: Pick<RpcStream<never, never>, "endpoint" | "leaveConnection"> | undefined;
  /** Ends the wait for an endpoint; not the stream. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The way to the cluster. Everything above talks to etcd through this and knows nothing of channels, nor of the namespace
 * its keys are in.
 */
export interface Connection {
  /** Aborts when the client closes; its reason is the `CLOSED` error. */
  readonly closing: AbortSignal;
  /** The deadline a call gets that names none, in ms. */
  readonly defaultTimeoutMs: number;
  /** All endpoints there are at the moment. */
  readonly endpoints: readonly Endpoint[];
  /** What is known of them. */
  readonly monitor: ConnectionMonitor;
  /**
   * Makes one call. A read, and a write that may be sent again, goes to the next endpoint when one fails; any other write is
   * sent again only if it provably never ran (guarantee G1).
   */
  unary<Request, Response>(
    rpc: UnaryRpc<Request, Response>,
    request: Request,
    options?: UnaryOptions,
  ): Promise<Response>;
  /**
   * Opens a stream on an endpoint other than `avoid`, where there is one, waiting for one to come back where all failed
   * lately. Undefined when the client closes or `signal` aborts first. Rejects where there is no way in: the server
   * refuses the login, or the files for TLS cannot be read.
   */
  openStream<Request, Response>(
    rpc: StreamRpc<Request, Response>,
    handlers: StreamHandlers<Response>,
    options?: OpenStreamOptions,
  ): Promise<RpcStream<Request, Response> | undefined>;
  /** The RPC as it is to be sent through here by those that do so themselves: within a namespace its messages differ. */
  spoken<Rpc extends { readonly method: { readonly path: string } }>(rpc: Rpc): Rpc;
  /** As the pool's, and undefined when the client closes. Rejects as {@link openStream} does. */
  acquire(
    signals: readonly AbortSignal[],
    options?: Pick<PickOptions, "only" | "avoid">,
  ): Promise<Endpoint | undefined>;
  /** The endpoint with this URL, for calls about one member. Refuses a URL that is none of the client's. */
  endpointAt(value: string): Endpoint;
  /** Refuses new calls and ends all waiting; calls that were sent may still be answered. */
  beginClosing(): void;
  /** Waits for the calls under way, and cancels what is not answered within `graceMs`. */
  drain(graceMs: number): Promise<void>;
  /** Ends whatever still runs. */
  close(): void;
}
