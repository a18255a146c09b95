import type { CallMessage } from "../diagnostics/messages.ts";
import { callsAreTraced, tellRetry, traceCall } from "../diagnostics/trace-call.ts";
import { EtcdError, isEtcdError, type Outcome } from "../errors/etcd-error.ts";
import { pause } from "../util/abort.ts";
import { MAX_TIMER_MS } from "../util/clock.ts";
import { describe, signalOption } from "../util/validate.ts";
import { ClientIdentity, notBegun } from "./client-identity.ts";
import { attempt, type AttemptFailure } from "./attempt.ts";
import type { LoginRequest, TokenSource } from "./auth-options.ts";
import { isOutage } from "./authenticator.ts";
import { type CallOptions, timeoutOption } from "./call-options.ts";
import type { ChannelSecurity } from "./channel-security.ts";
import type { ConnectionMonitor } from "./connection-monitor.ts";
import { type EndpointUrl, parseEndpoint } from "./endpoint-url.ts";
import { EndpointPool, type PickOptions } from "./endpoint-pool.ts";
import { EndpointSync, type SyncContext } from "./endpoint-sync.ts";
import type { Endpoint } from "./endpoint.ts";
import * as rpcs from "./rpcs.ts";
import type { StreamRpc, UnaryRpc } from "./rpcs.ts";
import { RpcStream, type StreamHandlers } from "./rpc-stream.ts";
import type { Topology } from "./topology.ts";

/** An endpoint that had less time than this to answer did not fail; its caller was in a hurry. */
const FAIR_TIME_MS = 200;

/** A write that failed before is not sent again with less time left. */
const LAST_MOMENT_MS = 100;

/** How often one call is sent again because its token was refused. Each time it provably did not run. */
const MAX_REFUSALS = 3;

/** The deadline of calls that keep the list of endpoints up to date; the next round may do better. */
const SYNC_CALL_MS = 3_000;

export interface UnaryOptions extends CallOptions {
  /** For what closing itself has to do: goes through while the client closes. @default false */
  readonly whileClosing?: boolean;
  /** The member to ask, and no other. @default any */
  readonly endpoint?: Endpoint | undefined;
  /** In place of {@link Connection.closing}: keeps the call from being sent, but lets it end once it was. */
  readonly stop?: AbortSignal | undefined;
  /** For the client's own upkeep: not a sign that the client is in use. @default false */
  readonly background?: boolean | undefined;
}

export interface ConnectionOptions {
  readonly endpoints: readonly EndpointUrl[];
  readonly timeoutMs: number;
  /** @default "direct" */
  readonly topology?: Topology;
  /** @default never */
  readonly syncEndpointsMs?: number | undefined;
  /** @default the authorities Node.js trusts */
  readonly security?: ChannelSecurity | undefined;
  /** @default no login */
  readonly tokens?: TokenSource | undefined;
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
   * Makes one call. A read, and a write that is idempotent by construction, goes to the next endpoint when one fails;
   * any other write is sent again only if it provably never ran (guarantee G1).
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

/** Sends calls, repeats those that may be repeated on another endpoint, and opens streams. */
export class ClusterConnection implements Connection {
  readonly #pool: EndpointPool;
  readonly #identity: ClientIdentity;
  readonly #timeoutMs: number;
  readonly #closing = new AbortController();
  /** Aborts when closing does not wait any longer. */
  readonly #cut = new AbortController();
  readonly #inFlight = new Set<Promise<unknown>>();
  readonly #sync: EndpointSync | undefined;

  constructor(options: ConnectionOptions) {
    const { endpoints, timeoutMs, topology = "direct", syncEndpointsMs, security, tokens } = options;
    this.#timeoutMs = timeoutMs;
    this.#identity = new ClientIdentity(security, tokens, async (request) => this.#logIn(request));
    this.#pool = new EndpointPool(endpoints, topology, () => this.#sync?.wake(), this.#identity);
    if (syncEndpointsMs !== undefined) this.#sync = new EndpointSync(this.#syncContext(syncEndpointsMs));
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
    { signal, timeoutMs, whileClosing = false, endpoint: only, stop: stopWith, background }: UnaryOptions,
    trace?: CallMessage,
  ): Promise<Response> {
    signalOption(signal);
    const write = rpc.kind !== "read";
    const stop = stopWith ?? (whileClosing ? this.#cut.signal : this.#closing.signal);
    const limitMs = timeoutOption(timeoutMs, this.#timeoutMs);
    const deadline = performance.now() + limitMs;
    let last: Pick<AttemptFailure, "code" | "cause"> | undefined;
    let refusals = 0;
    let failedAt: Endpoint | undefined;
    let attempts = 0;
    // Once a sending may have had effect, no later refusal can tell that none had.
    let outcome: Outcome = "notApplied";
    const known = (): Outcome | undefined => (write ? outcome : undefined);

    for (;;) {
      if (isAborted(signal)) throw abortedError(rpc.name, signal, known());
      if (stop.aborted) throw closedError(known());
      if (!this.#identity.ready(rpc.anonymous)) {
        const leftMs = deadline - performance.now();
        if (leftMs <= 0) throw this.#outOfTime(rpc.name, limitMs, last, known());
        try {
          await this.#identity.prepare(leftMs, [signal, stop], rpc.anonymous);
        } catch (thrown) {
          const error = EtcdError.from(thrown);
          // A file that cannot be read will not be there in a moment; a member may.
          if (!this.#identity.security.loaded || !isOutage(error)) throw notBegun(rpc.name, error, known());
          last = { code: error.code, cause: error };
          await pause(Math.min(100, leftMs), signal, stop);
        }
        continue;
      }
      const endpoint = await this.#endpoint(
        deadline,
        [signal, stop],
        { only, avoid: failedAt, background },
        rpc,
      );
      if (endpoint === "interrupted") continue;
      const remainingMs = deadline - performance.now();
      // A write sent again at the last moment would end as unknown, where by now it is known not to be applied.
      const enough = last === undefined || !write ? 0 : LAST_MOMENT_MS;
      if (endpoint === "none" || remainingMs <= enough)
        throw this.#outOfTime(rpc.name, limitMs, last, known());

      attempts += 1;
      if (trace !== undefined) {
        trace.attempts = attempts;
        trace.endpoint = endpoint.url;
      }
      const startedAt = performance.now();
      const shareMs = only === undefined ? this.#shareOf(remainingMs) : remainingMs;
      const result = await attempt(endpoint, rpc, request, {
        connectMs: shareMs,
        timeoutMs: rpc.kind === "write" ? remainingMs : shareMs,
        signal,
        stop,
      });
      if (result.ok) {
        endpoint.succeeded();
        result.token?.accepted();
        return result.response;
      }
      const { failure } = result;
      if (failure.login !== undefined && refusals < MAX_REFUSALS && canBeMended(failure)) {
        endpoint.succeeded();
        refusals += 1;
        tellRetry(rpc.name, endpoint.url, attempts, failure);
        continue;
      }
      last = failure;
      failedAt = endpoint;
      if (failure.outcome === "unknown") outcome = "unknown";
      if (isAborted(signal)) throw abortedError(rpc.name, signal, known());
      if (!failure.temporary) {
        // It refused the request, so it works.
        endpoint.succeeded();
        if (failure.login === undefined) failure.token?.accepted();
        throw callError(rpc.name, endpoint, failure, known());
      }
      if (stop.aborted) throw closedError(known());
      if (isEndpointsFault(failure, performance.now() - startedAt))
        endpoint.failed(failure.details, startedAt);
      if (rpc.kind === "write" && failure.outcome === "unknown")
        throw callError(rpc.name, endpoint, failure, known());
      tellRetry(rpc.name, endpoint.url, attempts, failure);
      if (failure.code === "TOO_MANY_REQUESTS") await pause(Math.min(100, remainingMs), signal, stop);
    }
  }

  async openStream<Request, Response>(
    rpc: StreamRpc<Request, Response>,
    handlers: StreamHandlers<Response>,
    options: OpenStreamOptions = {},
  ): Promise<RpcStream<Request, Response> | undefined> {
    const { signal, avoid, besides } = options;
    const signals = [this.#closing.signal, ...(signal === undefined ? [] : [signal])];
    if (!(await this.#enter(signals))) return undefined;
    const endpoint = await this.#pool.acquire(signals, { avoid });
    if (endpoint === undefined || signals.some(({ aborted }) => aborted)) return undefined;
    if (endpoint === besides?.endpoint) besides.leaveConnection();
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
    return (await this.#enter(all)) ? this.#pool.acquire(all, options) : undefined;
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

  #syncContext(intervalMs: number): SyncContext {
    const timeoutMs = Math.min(this.#timeoutMs, SYNC_CALL_MS);
    const options = { background: true, signal: this.closing, timeoutMs };
    return {
      pool: this.#pool,
      intervalMs,
      closing: this.closing,
      memberList: async () => this.unary(rpcs.memberList, { linearizable: true }, options),
      status: async (endpoint) => this.unary(rpcs.status, {}, { ...options, endpoint }),
    };
  }

  async #endpoint(
    deadline: number,
    signals: readonly (AbortSignal | undefined)[],
    { only, avoid: triedBefore, background }: Pick<PickOptions, "only" | "avoid" | "background">,
    { kind }: UnaryRpc<never, unknown>,
  ): Promise<Endpoint | "none" | "interrupted"> {
    const picked = this.#pool.pick({ only, avoid: triedBefore, background, cautious: kind === "write" });
    if (typeof picked !== "number") return picked;
    const remainingMs = deadline - performance.now();
    if (picked >= remainingMs) {
      // No endpoint comes back before the deadline: waiting would only delay the bad news. But nothing is given up untried.
      return triedBefore !== undefined ? "none" : (only ?? this.#pool.soonest());
    }
    await this.#pool.wait(picked, ...signals);
    return "interrupted";
  }

  /** Leaves time for another endpoint, or one that hangs would eat the whole deadline. */
  #shareOf(remainingMs: number): number {
    const canGoElsewhere = this.#pool.endpoints.length > 1;
    return canGoElsewhere ? Math.max(remainingMs / 2, Math.min(remainingMs, 250)) : remainingMs;
  }

  #outOfTime(
    name: string,
    limitMs: number,
    last: Pick<AttemptFailure, "code" | "cause"> | undefined,
    outcome: Outcome | undefined,
  ): EtcdError {
    const message = `${name} got no answer within ${Math.ceil(limitMs)} ms (${this.#pool.describeFailures()})`;
    // A call that waited for a login has no failure of its own to tell.
    const unreachable = this.#pool.endpoints.every(({ failing }) => failing);
    const code = last?.code ?? (unreachable ? "UNAVAILABLE" : "TIMEOUT");
    return new EtcdError(code, message, { outcome, cause: last?.cause });
  }
}

function callError(
  name: string,
  endpoint: Endpoint,
  { code, details, cause }: AttemptFailure,
  outcome: Outcome | undefined,
): EtcdError {
  return new EtcdError(code, `${name} failed on ${endpoint.url}: ${details}`, { outcome, cause });
}

function abortedError(name: string, signal: AbortSignal, outcome: Outcome | undefined): EtcdError {
  return new EtcdError("ABORTED", `${name} was aborted by the caller`, { outcome, cause: signal.reason });
}

function closedError(outcome?: Outcome): EtcdError {
  return new EtcdError("CLOSED", "the client is closed", { outcome });
}

/** Whether a call that was refused for its login may be sent again, as it is or after another login. */
function canBeMended({ login, token }: AttemptFailure): boolean {
  // Without one, the user is the certificate's, and may have changed while the call was under way.
  return token === undefined ? login === "outdated" : token.refused();
}

function isEndpointsFault({ code }: AttemptFailure, tookMs: number): boolean {
  return code !== "TOO_MANY_REQUESTS" && !(code === "TIMEOUT" && tookMs < FAIR_TIME_MS);
}

/** A function, because the type checker takes a look at `aborted` to hold beyond the next await. */
function isAborted(signal: AbortSignal | undefined): signal is AbortSignal {
  return signal?.aborted === true;
}
