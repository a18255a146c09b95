import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import type { Connection, OpenStreamOptions, UnaryOptions } from "../transport/connection.ts";
import type { PickOptions } from "../transport/endpoint-pool.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { ForwardingConnection } from "../transport/forwarding-connection.ts";
import type { RpcStream, StreamHandlers } from "../transport/rpc-stream.ts";
import type { StreamRpc, UnaryRpc } from "../transport/rpcs.ts";
import { onAbort } from "../util/abort.ts";
import { signalOption } from "../util/validate.ts";

/** Takes what is left of a scope that was forgotten off the connection it was made of. */
const forgotten = new FinalizationRegistry<() => void>((unlink) => unlink());

/**
 * A part of a connection that can be closed by itself: it ends what was begun through it, and leaves the connection, and
 * what others do with it, as they are. It closes with the connection, too.
 */
export class ScopedConnection extends ForwardingConnection {
  readonly #closing = new AbortController();
  /** Aborts when closing does not wait any longer. */
  readonly #cut = new AbortController();
  readonly #inFlight = new Set<Promise<unknown>>();
  readonly #unlink: () => void;

  constructor(outer: Connection) {
    super(outer);
    // A program may make a scope for each of its requests and close none: the connection must not keep them.
    const closing = new WeakRef(this.#closing);
    this.#unlink = onAbort(outer.closing, (reason) => closing.deref()?.abort(reason));
    forgotten.register(this.#closing, this.#unlink, this);
  }

  override get closing(): AbortSignal {
    return this.#closing.signal;
  }

  override async unary<Request, Response>(
    rpc: UnaryRpc<Request, Response>,
    request: Request,
    options: UnaryOptions = {},
  ): Promise<Response> {
    const call = this.#unary(rpc, request, options);
    this.#inFlight.add(call);
    try {
      return await call;
    } finally {
      this.#inFlight.delete(call);
    }
  }

  async #unary<Request, Response>(
    rpc: UnaryRpc<Request, Response>,
    request: Request,
    options: UnaryOptions,
  ): Promise<Response> {
    const asked = signalOption(options.signal);
    const cut = this.#cut.signal;
    const ended = joined(cut, asked);
    const stop = options.stop ?? (options.whileClosing === true ? undefined : this.#closing.signal);
    try {
      return await this.outer.unary(rpc, request, { ...options, signal: ended.signal, stop });
    } catch (error) {
      // Who asked did not abort it.
      if (!isEtcdError(error, "ABORTED") || !cut.aborted || asked?.aborted === true) throw error;
      throw new EtcdError("CLOSED", "the client is closed", { outcome: error.outcome });
    } finally {
      ended.release();
    }
  }

  override async openStream<Request, Response>(
    rpc: StreamRpc<Request, Response>,
    handlers: StreamHandlers<Response>,
    options: OpenStreamOptions = {},
  ): Promise<RpcStream<Request, Response> | undefined> {
    const ended = joined(this.#closing.signal, options.signal);
    try {
      return await this.outer.openStream(rpc, handlers, { ...options, signal: ended.signal });
    } finally {
      ended.release();
    }
  }

  override acquire(
    signals: readonly AbortSignal[],
    options?: Pick<PickOptions, "only" | "avoid">,
  ): Promise<Endpoint | undefined> {
    return this.outer.acquire([this.#closing.signal, ...signals], options);
  }

  override beginClosing(): void {
    this.#unlink();
    forgotten.unregister(this);
    if (!this.#closing.signal.aborted) this.#closing.abort(new EtcdError("CLOSED", "the client is closed"));
  }

  override async drain(graceMs: number): Promise<void> {
    const patience = setTimeout(() => this.#cut.abort(), graceMs);
    await Promise.allSettled(this.#inFlight);
    clearTimeout(patience);
  }

  override close(): void {
    this.beginClosing();
    this.#cut.abort();
  }
}

/** A signal that aborts with either; `release` takes it off both. */
function joined(
  always: AbortSignal,
  maybe: AbortSignal | undefined,
): { readonly signal: AbortSignal; release(): void } {
  if (maybe === undefined) return { signal: always, release: () => {} };
  const controller = new AbortController();
  const removers = [always, maybe].map((each) => onAbort(each, (reason) => controller.abort(reason)));
  return {
    signal: controller.signal,
    release: () => {
      for (const remove of removers) remove();
    },
  };
}
