import type { CallMessage } from "../diagnostics/messages.ts";
import { tellRetry } from "../diagnostics/trace-call.ts";
import { EtcdError, type Outcome } from "../errors/etcd-error.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import { attempt, type AttemptFailure, type AttemptResult } from "./attempt.ts";
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
import { CallProgress } from "./call-progress.ts";
import { type ClientIdentity, notBegun } from "./client-identity.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import type { Endpoint } from "./endpoint.ts";
import { fairShareMs } from "./fair-share.ts";
import type { RetryPolicy } from "./retry-options.ts";
import type { UnaryRpc } from "./rpcs.ts";

/** A read makes its last try when so much time is left; a write that failed before is not sent again with less. */
const LAST_MOMENT_MS = 100;

/** A last try ends so much earlier than the call, so that this can still tell why the tries before it failed. */
const LAST_WORDS_MS = 20;

/** How often one call is sent again because its token was refused. Each time it provably did not run. */
const MAX_REFUSALS = 3;

/** The least time between tries where the server, or the login, is not to be had for now, in ms. */
const BREATH_MS = 100;

/** What all calls of a connection share. */
export interface CallContext {
  readonly pool: EndpointPool;
  readonly identity: ClientIdentity;
  readonly retry: RetryPolicy;
}

export interface RetryingCallOptions {
  /** How long it may take with all its repetitions, in ms. */
  readonly limitMs: number;
  /** Cancels the call. */
  readonly signal: AbortSignal | undefined;
  /** Keeps the call from being sent, but lets it end once it was. */
  readonly stop: AbortSignal;
  /** As in `UnaryOptions`. */
  readonly endpoint: Endpoint | undefined;
  readonly background: boolean | undefined;
  readonly since: bigint | undefined;
  readonly progress: CallProgress | undefined;
  readonly trace: CallMessage | undefined;
}

/**
 * One call with its repetitions, until it is answered or its deadline passes. Where it fails, it goes to the next endpoint;
 * what was sent and may have been done is sent again only if it is a read, or a write that may be sent again (guarantee G1).
 */
export class RetryingCall<Request, Response> {
  readonly #pool: EndpointPool;
  readonly #identity: ClientIdentity;
  readonly #retry: RetryPolicy;
  readonly #rpc: UnaryRpc<Request, Response>;
  readonly #request: Request;
  readonly #options: RetryingCallOptions;
  readonly #behind: Behind | undefined;
  readonly #beganAt = performance.now();
  readonly #deadline: number;
  readonly #progress: CallProgress;
  #failedAt: Endpoint | undefined;
  #attempts = 0;
  /** Attempts that count as such: not those refused for a token that a login can mend. */
  #failures = 0;
  #refusals = 0;
  #lastTried = false;

  constructor(
    { pool, identity, retry }: CallContext,
    rpc: UnaryRpc<Request, Response>,
    request: Request,
    options: RetryingCallOptions,
  ) {
    this.#pool = pool;
    this.#identity = identity;
    this.#retry = retry;
    this.#rpc = rpc;
    this.#request = request;
    this.#options = options;
    this.#progress = options.progress ?? new CallProgress();
    this.#behind = options.since === undefined ? undefined : new Behind(rpc.name, options.since);
    this.#deadline = this.#beganAt + options.limitMs;
  }

  async run(): Promise<Response> {
    const { signal, stop } = this.#options;
    for (;;) {
      if (isAborted(signal)) throw this.#aborted(signal);
      if (stop.aborted) throw closedError(this.#known());
      if (!this.#identity.ready(this.#rpc.anonymous)) {
        await this.#prepare();
        continue;
      }
      const picked = this.#pick();
      if (typeof picked === "number") {
        await this.#pool.wait(picked, signal, stop);
        continue;
      }
      const startedAt = performance.now();
      const result = await this.#attempt(picked);
      let restMs: number;
      if (result.ok) {
        picked.succeeded();
        result.token?.accepted();
        const again = this.#behind?.endpoints.has(picked) === true;
        const old = this.#behind?.check(picked, result.response);
        if (old === undefined) return result.response;
        restMs = this.#tooOld(picked, old, again);
      } else {
        restMs = this.#failed(picked, result.failure, startedAt);
      }
      if (restMs > 0) await pause(restMs, signal, stop);
    }
  }

  /** Logs in and loads what TLS needs. */
  async #prepare(): Promise<void> {
    const { signal, stop } = this.#options;
    const leftMs = this.#leftMs();
    if (leftMs <= 0) throw this.#outOfTime();
    try {
      await this.#identity.prepare(leftMs, [signal, stop], this.#rpc.anonymous);
    } catch (thrown) {
      const error = EtcdError.from(thrown);
      const refused = (): EtcdError => notBegun(this.#rpc.name, error, this.#known());
      // A file that cannot be read will not be there in a moment; a member may.
      if (!this.#identity.security.loaded || !isOutage(error)) throw refused();
      this.#progress.last = { code: error.code, details: error.message, cause: error };
      await pause(Math.min(this.#restMs(refused, BREATH_MS), leftMs), signal, stop);
    }
  }

  /** The endpoint to try now, or how long to wait for one, in ms. Throws when there is no time left. */
  #pick(): Endpoint | number {
    const { endpoint: only, background } = this.#options;
    const tried = this.#attempts > 0;
    // A write sent again at the last moment would end as unknown, where by now it is known not to be applied.
    const tooLate = this.#progress.last === undefined || this.#rpc.kind === "read" ? 0 : LAST_MOMENT_MS;
    const leftMs = this.#leftMs();
    if (leftMs <= tooLate) throw this.#outOfTime();
    const picked = this.#pool.pick({
      only,
      avoid: this.#failedAt,
      behind: this.#behind?.endpoints,
      background,
    });
    if (typeof picked !== "number") return picked;
    if (picked < leftMs - Math.max(tooLate, tried ? LAST_WORDS_MS : 0)) return picked;
    // No endpoint comes back by itself before the deadline, but a trial may find one to work.
    if (tried && !this.#lastTried && leftMs > LAST_MOMENT_MS) return Math.max(1, leftMs - LAST_MOMENT_MS);
    if (this.#lastTried || (tried && leftMs < LAST_MOMENT_MS / 2)) throw this.#outOfTime();
    // Nothing is given up untried.
    this.#lastTried = tried;
    return only ?? this.#pool.soonest();
  }

  #attempt(endpoint: Endpoint): Promise<AttemptResult<Response>> {
    const { signal, stop, trace } = this.#options;
    const leftMs = this.#leftMs();
    this.#attempts += 1;
    if (trace !== undefined) {
      trace.attempts = this.#attempts;
      trace.endpoint = endpoint.url;
    }
    const fairMs = this.#shareOf(leftMs, endpoint);
    const shareMs = this.#lastTried ? Math.max(1, Math.min(fairMs, leftMs - LAST_WORDS_MS)) : fairMs;
    return attempt(endpoint, this.#rpc, this.#request, {
      connectMs: shareMs,
      timeoutMs: this.#rpc.kind === "write" ? leftMs : shareMs,
      signal,
      stop,
      progress: this.#progress,
    });
  }

  /** Leaves time for another endpoint, or one that hangs would eat the whole deadline. */
  #shareOf(leftMs: number, endpoint: Endpoint): number {
    if (this.#options.endpoint !== undefined || this.#failures + 1 >= this.#retry.maxAttempts) return leftMs;
    return fairShareMs(leftMs, endpoint, this.#pool.endpoints, { first: this.#attempts === 1 });
  }

  /** An endpoint answered with an older state than is wanted; `again`: not for the first time. */
  #tooOld(endpoint: Endpoint, old: AttemptFailure, again: boolean): number {
    this.#progress.sending = false;
    this.#progress.last = old;
    this.#failedAt = endpoint;
    const restMs = this.#restMs(() => this.#outOfTime(), again ? CATCH_UP_MS : 0);
    tellRetry(this.#rpc.name, endpoint.url, this.#attempts, old);
    if (again && this.#leftMs() < restMs + LAST_WORDS_MS) throw this.#outOfTime();
    return restMs;
  }

  /** How long to rest until the next try, in ms. Throws the call's error where there is to be none. */
  #failed(endpoint: Endpoint, failure: AttemptFailure, startedAt: number): number {
    const { name, kind } = this.#rpc;
    const { signal, stop } = this.#options;
    this.#progress.sending = false;
    if (failure.login !== undefined && this.#refusals < MAX_REFUSALS && canBeMended(failure)) {
      endpoint.succeeded();
      this.#refusals += 1;
      tellRetry(name, endpoint.url, this.#attempts, failure);
      return 0;
    }
    this.#progress.last = failure;
    this.#failedAt = endpoint;
    if (failure.outcome === "unknown") this.#progress.maybeApplied = true;
    const error = (): EtcdError => callError(name, endpoint, failure, this.#known());
    if (isAborted(signal)) throw this.#aborted(signal);
    if (!failure.temporary) {
      // It refused the request, so it works.
      endpoint.succeeded();
      if (failure.login === undefined) failure.token?.accepted();
      throw error();
    }
    if (stop.aborted) throw closedError(this.#known());
    if (isEndpointsFault(failure, performance.now() - startedAt)) {
      endpoint.failed(failure.details, startedAt);
      if (failure.code === "TIMEOUT") endpoint.callUnheard(startedAt);
    }
    if (kind === "write" && failure.outcome === "unknown") throw error();
    const restMs = this.#restMs(error, failure.code === "TOO_MANY_REQUESTS" ? BREATH_MS : 0);
    tellRetry(name, endpoint.url, this.#attempts, failure);
    return restMs;
  }

  /** Counts a failure: the time until the next try, in ms. Throws `error` where that was the last one. */
  #restMs(error: () => EtcdError, leastMs: number): number {
    this.#failures += 1;
    if (this.#failures >= this.#retry.maxAttempts) throw error();
    const delayMs = backoffMs(this.#failures - 1, this.#retry);
    if (delayMs > 0 && delayMs >= this.#leftMs()) throw this.#outOfTime();
    return Math.max(delayMs, Math.min(leastMs, this.#leftMs()));
  }

  #leftMs(): number {
    return this.#deadline - performance.now();
  }

  /** Only of a write there is something to know. */
  #known(): Outcome | undefined {
    return this.#rpc.kind === "read" ? undefined : this.#progress.outcome;
  }

  #aborted(signal: AbortSignal): EtcdError {
    return abortedError(this.#rpc.name, signal, this.#known());
  }

  #outOfTime(): EtcdError {
    const passedMs = Math.min(this.#options.limitMs, performance.now() - this.#beganAt);
    const old = this.#behind?.error(passedMs);
    if (old !== undefined) return old;
    const { name } = this.#rpc;
    const failures = this.#pool.describeFailures();
    const message = `${name} got no answer within ${Math.ceil(passedMs)} ms (${failures})`;
    // A call that waited for a login has no failure of its own to tell.
    const unreachable = this.#pool.endpoints.every(({ failing }) => failing);
    const code = this.#progress.last?.code ?? (unreachable ? "UNAVAILABLE" : "TIMEOUT");
    return new EtcdError(code, message, { outcome: this.#known(), cause: this.#progress.last?.cause });
  }
}
