import { EtcdError, type Outcome } from "../errors/etcd-error.ts";
import { pause } from "../util/abort.ts";
import { attempt, type AttemptFailure } from "./attempt.ts";
import { type CallOptions, timeoutOption } from "./call-options.ts";
import type { EndpointUrl } from "./endpoint-url.ts";
import { EndpointPool } from "./endpoint-pool.ts";
import type { Endpoint } from "./endpoint.ts";
import type { StreamRpc, UnaryRpc } from "./rpcs.ts";
import { RpcStream, type StreamHandlers } from "./rpc-stream.ts";

/** A call that failed with these is not the endpoint's fault. */
const NOT_THE_ENDPOINTS_FAULT = new Set(["TOO_MANY_REQUESTS"]);

/**
 * The way to the cluster: sends calls, repeats those that may be repeated on another endpoint, and opens streams.
 * Everything above talks to etcd through this and knows nothing of channels.
 */
export class Connection {
  readonly #pool: EndpointPool;
  readonly #timeoutMs: number;
  readonly #closing = new AbortController();
  readonly #inFlight = new Set<Promise<unknown>>();

  constructor(options: { readonly endpoints: readonly EndpointUrl[]; readonly timeoutMs: number }) {
    this.#pool = new EndpointPool(options.endpoints);
    this.#timeoutMs = options.timeoutMs;
  }

  /** Aborts when the client closes; its reason is the `CLOSED` error. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** The deadline a call gets that names none, in ms. */
  get defaultTimeoutMs(): number {
    return this.#timeoutMs;
  }

  /**
   * Makes one call. A read, and a write that is idempotent by construction, goes to the next endpoint when one fails;
   * any other write is sent again only if it provably never ran (guarantee G1).
   */
  async unary<Request, Response>(
    rpc: UnaryRpc<Request, Response>,
    request: Request,
    options: CallOptions = {},
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
    { signal, timeoutMs }: CallOptions,
  ): Promise<Response> {
    const write = rpc.kind !== "read";
    const limitMs = timeoutOption(timeoutMs, this.#timeoutMs);
    const deadline = performance.now() + limitMs;
    let last: AttemptFailure | undefined;
    let failedAt: Endpoint | undefined;
    // Once a sending may have had effect, no later refusal can tell that none had.
    let outcome: Outcome = "notApplied";

    for (;;) {
      if (this.#closing.signal.aborted) throw closedError(write ? outcome : undefined);
      if (isAborted(signal)) throw abortedError(rpc.name, signal, write ? outcome : undefined);
      const endpoint = await this.#endpoint(deadline, signal, failedAt);
      if (endpoint === "interrupted") continue;
      const remainingMs = deadline - performance.now();
      if (endpoint === "none" || remainingMs <= 0)
        throw this.#outOfTime(rpc.name, limitMs, last, write ? outcome : undefined);

      const startedAt = performance.now();
      const result = await attempt(endpoint, rpc, request, {
        timeoutMs: this.#shareOf(remainingMs, rpc),
        signal,
      });
      if (result.ok) {
        endpoint.succeeded();
        return result.response;
      }
      const { failure } = result;
      last = failure;
      failedAt = endpoint;
      if (failure.outcome === "unknown") outcome = "unknown";
      if (isAborted(signal)) throw abortedError(rpc.name, signal, write ? outcome : undefined);
      if (failure.temporary && !NOT_THE_ENDPOINTS_FAULT.has(failure.code))
        endpoint.failed(failure.details, startedAt);
      const mayRepeat = rpc.kind !== "write" || failure.outcome === "notApplied";
      if (!failure.temporary || !mayRepeat)
        throw callError(rpc.name, endpoint, failure, write ? outcome : undefined);
      if (failure.code === "TOO_MANY_REQUESTS") await pause(Math.min(100, remainingMs), signal);
    }
  }

  /**
   * Opens a stream on an endpoint other than `avoid`, where there is one, waiting for one to come back where all failed
   * lately. Undefined when the client closes or `signal` aborts first.
   */
  async openStream<Request, Response>(
    rpc: StreamRpc<Request, Response>,
    handlers: StreamHandlers<Response>,
    options: { readonly avoid?: Endpoint | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<RpcStream<Request, Response> | undefined> {
    const { signal = this.#closing.signal, avoid } = options;
    const endpoint = await this.#pool.acquire(signal, avoid);
    if (endpoint === undefined || this.#closing.signal.aborted) return undefined;
    return new RpcStream(endpoint, rpc, handlers);
  }

  /** Refuses new calls, lets those under way end (each has a deadline), and closes all channels. */
  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) this.#closing.abort(closedError());
    await Promise.allSettled(this.#inFlight);
    this.#pool.close();
  }

  async #endpoint(
    deadline: number,
    signal: AbortSignal | undefined,
    triedBefore: Endpoint | undefined,
  ): Promise<Endpoint | "none" | "interrupted"> {
    const picked = this.#pool.pick(triedBefore);
    if (typeof picked !== "number") return picked;
    const remainingMs = deadline - performance.now();
    if (picked >= remainingMs) {
      // No endpoint comes back before the deadline: waiting would only delay the bad news. But nothing is given up untried.
      return triedBefore !== undefined ? "none" : this.#pool.soonest();
    }
    await pause(
      picked,
      signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]),
    );
    return "interrupted";
  }

  /** A repeatable call leaves time for another endpoint, or one that hangs would eat the whole deadline. */
  #shareOf(remainingMs: number, { kind }: UnaryRpc<never, unknown>): number {
    const canGoElsewhere = kind !== "write" && this.#pool.endpoints.length > 1;
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

/** A function, because the type checker takes a look at `aborted` to hold beyond the next await. */
function isAborted(signal: AbortSignal | undefined): signal is AbortSignal {
  return signal?.aborted === true;
}
