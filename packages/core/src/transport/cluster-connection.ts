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
import { Behind, CATCH_UP_MS } from "./behind.ts";
import {
  abortedError,
  callError,
  canBeMended,
  closedError,
  isAborted,
  isEndpointsFault,
} from "./call-errors.ts";
import { timeoutOption } from "./call-options.ts";
import type { ChannelSecurity } from "./channel-security.ts";
import type { Connection, OpenStreamOptions, UnaryOptions } from "./connection.ts";
import type { ConnectionMonitor } from "./connection-monitor.ts";
import { type EndpointUrl, parseEndpoint } from "./endpoint-url.ts";
import { EndpointPool, type PickOptions } from "./endpoint-pool.ts";
import { EndpointSync } from "./endpoint-sync.ts";
import { syncContext } from "./sync-context.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ResolvedPings } from "./ping-options.ts";
import * as rpcs from "./rpcs.ts";
import type { StreamRpc, UnaryRpc } from "./rpcs.ts";
import { RpcStream, type StreamHandlers } from "./rpc-stream.ts";
import type { Topology } from "./topology.ts";

/** A read makes its last try when so much time is left; a write that failed before is not sent again with less. */
const LAST_MOMENT_MS = 100;

/** A last try ends so much earlier than the call, so that this can still tell why the tries before it failed. */
const LAST_WORDS_MS = 20;

/** What a call gives the first endpoint it tries while another one works: that is how long a member that hangs holds it up. */
const FIRST_SHARE_MS = 1_000;

/** How often one call is sent again because its token was refused. Each time it provably did not run. */
const MAX_REFUSALS = 3;

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
  /** @default those of the option */
  readonly pings?: ResolvedPings | undefined;
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
    const { endpoints, timeoutMs, topology = "direct", syncEndpointsMs, security, tokens, pings } = options;
    this.#timeoutMs = timeoutMs;
    this.#identity = new ClientIdentity(security, tokens, async (request) => this.#logIn(request), pings);
    this.#pool = new EndpointPool(endpoints, topology, () => this.#sync?.wake(), this.#identity);
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
    const { signal, timeoutMs, whileClosing = false, endpoint: only, stop: stopWith, background } = options;
    signalOption(signal);
    const write = rpc.kind !== "read";
    const stop = stopWith ?? (whileClosing ? this.#cut.signal : this.#closing.signal);
    const limitMs = timeoutOption(timeoutMs, this.#timeoutMs);
    const beganAt = performance.now();
    const deadline = beganAt + limitMs;
    let last: Pick<AttemptFailure, "code" | "cause"> | undefined;
    let refusals = 0;
    let failedAt: Endpoint | undefined;
    let attempts = 0;
    let lastTried = false;
    // Once a sending may have had effect, no later refusal can tell that none had.
    let outcome: Outcome = "notApplied";
    const known = (): Outcome | undefined => (write ? outcome : undefined);
    const behind = options.since === undefined ? undefined : new Behind(rpc.name, options.since);
    const outOfTime = (): EtcdError =>
      behind?.error(Math.min(limitMs, performance.now() - beganAt)) ??
      this.#outOfTime(rpc.name, limitMs, beganAt, last, known());

    for (;;) {
      if (isAborted(signal)) throw abortedError(rpc.name, signal, known());
      if (stop.aborted) throw closedError(known());
      if (!this.#identity.ready(rpc.anonymous)) {
        const leftMs = deadline - performance.now();
        if (leftMs <= 0) throw outOfTime();
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
      // A write sent again at the last moment would end as unknown, where by now it is known not to be applied.
      const tooLate = last === undefined || !write ? 0 : LAST_MOMENT_MS;
      let remainingMs = deadline - performance.now();
      if (remainingMs <= tooLate) throw outOfTime();
      const picked = this.#pool.pick({ only, avoid: failedAt, behind: behind?.endpoints, background });
      let endpoint: Endpoint;
      if (typeof picked !== "number") endpoint = picked;
      else if (picked < remainingMs - Math.max(tooLate, attempts > 0 ? LAST_WORDS_MS : 0)) {
        await this.#pool.wait(picked, signal, stop);
        continue;
      } else if (attempts > 0 && !lastTried && remainingMs > LAST_MOMENT_MS) {
        // No endpoint comes back by itself before the deadline, but a trial may find one to work.
        await this.#pool.wait(Math.max(1, remainingMs - LAST_MOMENT_MS), signal, stop);
        continue;
      } else if (lastTried || (attempts > 0 && remainingMs < LAST_MOMENT_MS / 2)) {
        throw outOfTime();
      } else {
        // Nothing is given up untried.
        lastTried = attempts > 0;
        endpoint = only ?? this.#pool.soonest();
      }
      remainingMs = deadline - performance.now();

      attempts += 1;
      if (trace !== undefined) {
        trace.attempts = attempts;
        trace.endpoint = endpoint.url;
      }
      const startedAt = performance.now();
      const fairMs = only === undefined ? this.#shareOf(remainingMs, endpoint, attempts) : remainingMs;
      const shareMs = lastTried ? Math.max(1, Math.min(fairMs, remainingMs - LAST_WORDS_MS)) : fairMs;
      const result = await attempt(endpoint, rpc, request, {
        connectMs: shareMs,
        timeoutMs: rpc.kind === "write" ? remainingMs : shareMs,
        signal,
        stop,
      });
      if (result.ok) {
        endpoint.succeeded();
        result.token?.accepted();
        const again = behind?.endpoints.has(endpoint) === true;
        const old = behind?.check(endpoint, result.response);
        if (old === undefined) return result.response;
        last = old;
        failedAt = endpoint;
        tellRetry(rpc.name, endpoint.url, attempts, old);
        if (!again) continue;
        if (deadline - performance.now() < CATCH_UP_MS + LAST_WORDS_MS) throw outOfTime();
        await this.#pool.wait(CATCH_UP_MS, signal, stop);
        continue;
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
      if (isEndpointsFault(failure, performance.now() - startedAt)) {
        endpoint.failed(failure.details, startedAt);
        if (failure.code === "TIMEOUT") endpoint.callUnheard(startedAt);
      }
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

  /** Leaves time for another endpoint, or one that hangs would eat the whole deadline. */
  #shareOf(remainingMs: number, endpoint: Endpoint, attempts: number): number {
    const others = this.#pool.endpoints.filter((each) => each !== endpoint);
    if (others.length === 0) return remainingMs;
    const mostMs =
      attempts === 1 && others.some(({ failing }) => !failing) ? FIRST_SHARE_MS : Number.POSITIVE_INFINITY;
    return Math.min(mostMs, Math.max(remainingMs / 2, Math.min(remainingMs, 250)));
  }

  #outOfTime(
    name: string,
    limitMs: number,
    beganAt: number,
    last: Pick<AttemptFailure, "code" | "cause"> | undefined,
    outcome: Outcome | undefined,
  ): EtcdError {
    const passedMs = Math.min(limitMs, performance.now() - beganAt);
    const message = `${name} got no answer within ${Math.ceil(passedMs)} ms (${this.#pool.describeFailures()})`;
    // A call that waited for a login has no failure of its own to tell.
    const unreachable = this.#pool.endpoints.every(({ failing }) => failing);
    const code = last?.code ?? (unreachable ? "UNAVAILABLE" : "TIMEOUT");
    return new EtcdError(code, message, { outcome, cause: last?.cause });
  }
}
