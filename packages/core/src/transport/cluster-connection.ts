import type { CallMessage } from "../diagnostics/messages.ts";
import { callsAreTraced, traceCall } from "../diagnostics/trace-call.ts";
import { isEtcdError } from "../errors/etcd-error.ts";
import { MAX_TIMER_MS } from "../util/clock.ts";
import { describe, signalOption } from "../util/validate.ts";
import type { LoginRequest, TokenSource } from "./auth-options.ts";
import { closedError } from "./call-errors.ts";
import { timeoutOption } from "./call-options.ts";
import type { ChannelSecurity } from "./channel-security.ts";
import { ClientIdentity } from "./client-identity.ts";
import type { Connection, OpenStreamOptions, UnaryOptions } from "./connection.ts";
import type { ConnectionMonitor } from "./connection-monitor.ts";
import { type EndpointUrl, parseEndpoint } from "./endpoint-url.ts";
import { EndpointPool, type EndpointPoolOptions, type PickOptions } from "./endpoint-pool.ts";
import { EndpointSync } from "./endpoint-sync.ts";
import { syncContext } from "./sync-context.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ResolvedPings } from "./ping-options.ts";
import { resolveRetry, type RetryPolicy } from "./retry-options.ts";
import { type CallContext, RetryingCall } from "./retrying-call.ts";
import * as rpcs from "./rpcs.ts";
import type { StreamRpc, UnaryRpc } from "./rpcs.ts";
import { RpcStream, type StreamHandlers } from "./rpc-stream.ts";
import type { Topology } from "./topology.ts";

export interface ConnectionOptions extends EndpointPoolOptions {
  readonly endpoints: readonly EndpointUrl[];
  readonly timeoutMs: number;
  /** @default "direct" */
  readonly topology?: Topology;
  /** @default as often as the deadline allows, without delay */
  readonly retry?: RetryPolicy;
  /** @default never */
  readonly syncEndpointsMs?: number | undefined;
  /** @default the authorities Node.js trusts */
  readonly security?: ChannelSecurity | undefined;
  /** @default no login */
  readonly tokens?: TokenSource | undefined;
  /** @default those of the option */
  readonly pings?: ResolvedPings | undefined;
}

/** The client's way to the cluster: sends calls, opens streams, and ends both when it closes. */
export class ClusterConnection implements Connection {
  readonly #pool: EndpointPool;
  readonly #identity: ClientIdentity;
  readonly #context: CallContext;
  readonly #timeoutMs: number;
  readonly #closing = new AbortController();
  /** Aborts when closing does not wait any longer. */
  readonly #cut = new AbortController();
  readonly #inFlight = new Set<Promise<unknown>>();
  readonly #sync: EndpointSync | undefined;

  constructor(options: ConnectionOptions) {
    const { endpoints, timeoutMs, topology = "direct", syncEndpointsMs } = options;
    this.#timeoutMs = timeoutMs;
    const logIn = async (request: LoginRequest): Promise<string | undefined> => this.#logIn(request);
    this.#identity = new ClientIdentity(options.security, options.tokens, logIn, options.pings);
    this.#pool = new EndpointPool(endpoints, topology, () => this.#sync?.wake(), this.#identity, options);
    this.#context = { pool: this.#pool, identity: this.#identity, retry: options.retry ?? resolveRetry() };
    if (syncEndpointsMs !== undefined)
      this.#sync = new EndpointSync(syncContext(this, this.#pool, syncEndpointsMs));
  }

  get monitor(): ConnectionMonitor {
    return this.#pool.monitor;
  }

  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  get defaultTimeoutMs(): number {
    return this.#timeoutMs;
  }

  async unary<Request, Response>(
    rpc: UnaryRpc<Request, Response>,
    request: Request,
    options: UnaryOptions = {},
  ): Promise<Response> {
    const sent = this.#send(rpc, request, options);
    const call = rpc.changesPassword === true ? this.#identity.afterPassword(request, sent) : sent;
    this.#inFlight.add(call);
    try {
      return await call;
    } finally {
      this.#inFlight.delete(call);
    }
  }

  async #send<Request, Response>(
    rpc: UnaryRpc<Request, Response>,
    request: Request,
    options: UnaryOptions,
  ): Promise<Response> {
    if (!callsAreTraced()) return this.#unary(rpc, request, options);
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    return traceCall(rpc, timeoutMs, async (trace) => this.#unary(rpc, request, options, trace));
  }

  async #unary<Request, Response>(
    rpc: UnaryRpc<Request, Response>,
    request: Request,
    options: UnaryOptions,
    trace?: CallMessage,
  ): Promise<Response> {
    const { signal, whileClosing = false, endpoint, background, since, progress } = options;
    signalOption(signal);
    return new RetryingCall(this.#context, rpc, request, {
      limitMs: timeoutOption(options.timeoutMs, this.#timeoutMs),
      signal,
      stop: options.stop ?? (whileClosing ? this.#cut.signal : this.#closing.signal),
      endpoint,
      background,
      since,
      progress,
      trace,
    }).run();
  }

  async openStream<Request, Response>(
    rpc: StreamRpc<Request, Response>,
    handlers: StreamHandlers<Response>,
    options: OpenStreamOptions = {},
  ): Promise<RpcStream<Request, Response> | undefined> {
    const { signal, avoid, besides } = options;
    const signals = [this.#closing.signal, ...(signal === undefined ? [] : [signal])];
    let endpoint: Endpoint | undefined;
    do {
      if (!(await this.#enter(signals))) return undefined;
      endpoint = await this.#pool.acquire(signals, { avoid });
      if (endpoint !== undefined && endpoint === besides?.endpoint) besides.leaveConnection();
      await endpoint?.refresh("streams");
      if (endpoint === undefined || signals.some(({ aborted }) => aborted)) return undefined;
      // While the endpoint was waited for, a call may have found that the token has expired.
    } while (!this.#identity.ready());
    return new RpcStream(endpoint, rpc, handlers);
  }

  spoken<Rpc>(rpc: Rpc): Rpc {
    return rpc;
  }

  async acquire(
    signals: readonly AbortSignal[],
    options: Pick<PickOptions, "only" | "avoid"> = {},
  ): Promise<Endpoint | undefined> {
    const all = [this.#closing.signal, ...signals];
    for (;;) {
      if (!(await this.#enter(all))) return undefined;
      const endpoint = await this.#pool.acquire(all, options);
      if (endpoint === undefined || this.#identity.ready()) return endpoint;
    }
  }

  get endpoints(): readonly Endpoint[] {
    return this.#pool.endpoints;
  }

  endpointAt(value: string): Endpoint {
    const { url } = parseEndpoint(value);
    const found = this.#pool.endpoints.find((each) => each.url === url);
    if (found !== undefined) return found;
    const known = this.#pool.endpoints.map((each) => each.url).join(", ");
    throw new TypeError(`endpoint must be one of the client's (${known}), received ${describe(value)}`);
  }

  beginClosing(): void {
    if (!this.#closing.signal.aborted) this.#closing.abort(closedError());
  }

  async drain(graceMs: number): Promise<void> {
    const patience = setTimeout(() => {
      this.#cut.abort(closedError());
      this.#pool.cancelAll();
    }, graceMs);
    await Promise.allSettled(this.#inFlight);
    clearTimeout(patience);
  }

  /** Closes all channels, too. */
  close(): void {
    this.beginClosing();
    this.#cut.abort(closedError());
    this.#sync?.close();
    this.#pool.close();
  }

  /** Makes sure that a stream can be opened. False when a signal aborts before. */
  async #enter(signals: readonly AbortSignal[]): Promise<boolean> {
    if (this.#identity.ready()) return true;
    try {
      await this.#identity.prepare(MAX_TIMER_MS, signals);
    } catch (error) {
      if (!signals.some(({ aborted }) => aborted)) throw error;
    }
    return this.#identity.ready();
  }

  async #logIn(request: LoginRequest): Promise<string | undefined> {
    try {
      // Not among the calls that closing waits for: those that need the login are.
      return (await this.#send(rpcs.authenticate, request, { stop: this.#cut.signal })).token;
    } catch (error) {
      // Authentication is not enabled. When it is, calls without a token will be refused, and this is asked again.
      if (isEtcdError(error, "FAILED_PRECONDITION")) return undefined;
      throw error;
    }
  }
}
