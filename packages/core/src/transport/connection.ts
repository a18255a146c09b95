import { EtcdError, type Outcome } from "../errors/etcd-error.ts";
import { pause } from "../util/abort.ts";
import { describe, signalOption } from "../util/validate.ts";
import { attempt, type AttemptFailure } from "./attempt.ts";
import { type CallOptions, timeoutOption } from "./call-options.ts";
import { type EndpointUrl, parseEndpoint } from "./endpoint-url.ts";
import { EndpointPool, type PickOptions } from "./endpoint-pool.ts";
import type { Endpoint } from "./endpoint.ts";
import type { StreamRpc, UnaryRpc } from "./rpcs.ts";
import { RpcStream, type StreamHandlers } from "./rpc-stream.ts";

/** An endpoint that had less time than this to answer did not fail; its caller was in a hurry. */
const FAIR_TIME_MS = 200;

export interface UnaryOptions extends CallOptions {
  /** For what closing itself has to do: goes through while the client closes. @default false */
  readonly whileClosing?: boolean;
  /** The member to ask, and no other. @default any */
  readonly endpoint?: Endpoint | undefined;
  /** In place of {@link Connection.closing}: keeps the call from being sent, but lets it end once it was. */
  readonly stop?: AbortSignal | undefined;
}

export interface OpenStreamOptions {
  readonly avoid?: Endpoint | undefined;
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
   * lately. Undefined when the client closes or `signal` aborts first.
   */
  openStream<Request, Response>(
    rpc: StreamRpc<Request, Response>,
    handlers: StreamHandlers<Response>,
    options?: OpenStreamOptions,
  ): Promise<RpcStream<Request, Response> | undefined>;
  /** The RPC as it is to be sent through here by those that do so themselves: within a namespace its messages differ. */
  spoken<Rpc extends { readonly method: { readonly path: string } }>(rpc: Rpc): Rpc;
  /** As the pool's, and undefined when the client closes. */
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
  readonly #timeoutMs: number;
  readonly #closing = new AbortController();
  /** Aborts when closing does not wait any longer. */
  readonly #cut = new AbortController();
  readonly #inFlight = new Set<Promise<unknown>>();

  constructor(options: { readonly endpoints: readonly EndpointUrl[]; readonly timeoutMs: number }) {
    this.#pool = new EndpointPool(options.endpoints);
    this.#timeoutMs = options.timeoutMs;
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
    { signal, timeoutMs, whileClosing = false, endpoint: only, stop: stopWith }: UnaryOptions,
  ): Promise<Response> {
    signalOption(signal);
    const write = rpc.kind !== "read";
    const stop = stopWith ?? (whileClosing ? this.#cut.signal : this.#closing.signal);
    const limitMs = timeoutOption(timeoutMs, this.#timeoutMs);
    const deadline = performance.now() + limitMs;
    let last: AttemptFailure | undefined;
    let failedAt: Endpoint | undefined;
    // Once a sending may have had effect, no later refusal can tell that none had.
    let outcome: Outcome = "notApplied";
    const known = (): Outcome | undefined => (write ? outcome : undefined);

    for (;;) {
      if (isAborted(signal)) throw abortedError(rpc.name, signal, known());
      if (stop.aborted) throw closedError(known());
      const endpoint = await this.#endpoint(deadline, [signal, stop], { only, avoid: failedAt }, rpc);
      if (endpoint === "interrupted") continue;
      const remainingMs = deadline - performance.now();
      if (endpoint === "none" || remainingMs <= 0) throw this.#outOfTime(rpc.name, limitMs, last, known());

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
        return result.response;
      }
      const { failure } = result;
      last = failure;
      failedAt = endpoint;
      if (failure.outcome === "unknown") outcome = "unknown";
      if (isAborted(signal)) throw abortedError(rpc.name, signal, known());
      if (!failure.temporary) {
        // It refused the request, so it works.
        endpoint.succeeded();
        throw callError(rpc.name, endpoint, failure, known());
      }
      if (stop.aborted) throw closedError(known());
      if (isEndpointsFault(failure, performance.now() - startedAt))
        endpoint.failed(failure.details, startedAt);
      if (rpc.kind === "write" && failure.outcome === "unknown")
        throw callError(rpc.name, endpoint, failure, known());
      if (failure.code === "TOO_MANY_REQUESTS") await pause(Math.min(100, remainingMs), signal, stop);
    }
  }

  async openStream<Request, Response>(
    rpc: StreamRpc<Request, Response>,
    handlers: StreamHandlers<Response>,
    options: OpenStreamOptions = {},
  ): Promise<RpcStream<Request, Response> | undefined> {
    const { signal, avoid } = options;
    const signals = [this.#closing.signal, ...(signal === undefined ? [] : [signal])];
    const endpoint = await this.#pool.acquire(signals, { avoid });
    if (endpoint === undefined || signals.some(({ aborted }) => aborted)) return undefined;
    return new RpcStream(endpoint, rpc, handlers);
  }

  spoken<Rpc>(rpc: Rpc): Rpc {
    return rpc;
  }

  async acquire(
    signals: readonly AbortSignal[],
    options: Pick<PickOptions, "only" | "avoid"> = {},
  ): Promise<Endpoint | undefined> {
    return this.#pool.acquire([this.#closing.signal, ...signals], options);
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
    this.#pool.close();
  }

  async #endpoint(
    deadline: number,
    signals: readonly (AbortSignal | undefined)[],
    { only, avoid: triedBefore }: Pick<PickOptions, "only" | "avoid">,
    { kind }: UnaryRpc<never, unknown>,
  ): Promise<Endpoint | "none" | "interrupted"> {
    const picked = this.#pool.pick({ only, avoid: triedBefore, cautious: kind === "write" });
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
    last: AttemptFailure | undefined,
    outcome: Outcome | undefined,
  ): EtcdError {
    const message = `${name} got no answer within ${limitMs} ms (${this.#pool.describeFailures()})`;
    return new EtcdError(last?.code ?? "TIMEOUT", message, { outcome, cause: last?.cause });
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

function isEndpointsFault({ code }: AttemptFailure, tookMs: number): boolean {
  return code !== "TOO_MANY_REQUESTS" && !(code === "TIMEOUT" && tookMs < FAIR_TIME_MS);
}

/** A function, because the type checker takes a look at `aborted` to hold beyond the next await. */
function isAborted(signal: AbortSignal | undefined): signal is AbortSignal {
  return signal?.aborted === true;
}
