import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import type { Login, TokenSource } from "./auth-options.ts";
import { Token, type TokenOwner } from "./token.ts";

/** Between logins that are refused. A refusal costs the server a password hash, a tenth of a second of a core. */
const AFTER_REFUSAL = { initialMs: 100, maxMs: 10_000 };

/** Between logins that find nobody to ask; the transport has its own pauses before that. */
const AFTER_OUTAGE = { initialMs: 100, maxMs: 1_000 };

/**
 * So many logins in a row may be for nothing before there is a pause between them. A fresh token can be old by the time
 * it is used, when users and roles are changing.
 */
const AT_ONCE = 2;

/**
 * Keeps the client logged in: one token for all calls and streams, and one login at a time however many calls find that
 * the token has expired. A login that failed, or whose token was refused unused, is not repeated at once.
 */
export class Authenticator implements TokenOwner {
  readonly #source: TokenSource;
  readonly #login: Login;
  #token: Token | undefined;
  #running: Promise<Token> | undefined;
  /** Logins in a row that brought nothing: they failed, or the server refused their token before it ever took it. */
  #failures = 0;
  #retryAt = 0;
  #lastError: EtcdError | undefined;

  /** `login` asks the server. */
  constructor(source: TokenSource, login: Login) {
    this.#source = source;
    this.#login = login;
  }

  /** The token to use. Undefined when a login has to come first. */
  get token(): Token | undefined {
    return this.#token;
  }

  /**
   * Logs in, or takes part in the login under way. Rejects with `UNAUTHENTICATED` where the server refuses, at once while
   * the last refusal is fresh; with another code where the server or the source of tokens cannot be reached.
   */
  async logIn(): Promise<Token> {
    if (this.#token !== undefined) return this.#token;
    if (this.#lastError !== undefined && performance.now() < this.#retryAt) throw this.#lastError;
    this.#running ??= this.#run();
    return this.#running;
  }

  /**
   * As {@link logIn}, but waits no longer than `ms`, and only until one of the signals aborts; undefined then.
   */
  async wait(ms: number, ...signals: readonly (AbortSignal | undefined)[]): Promise<Token | undefined> {
    const settled = new AbortController();
    let result: Token | EtcdError | undefined;
    void this.logIn()
      .then(
        (token) => (result = token),
        (error: unknown) => (result = EtcdError.from(error)),
      )
      .finally(() => settled.abort());
    await pause(ms, settled.signal, ...signals);
    if (result instanceof EtcdError) throw result;
    return result;
  }

  isCurrent(token: Token): boolean {
    return this.#token === token;
  }

  accepted(token: Token): void {
    if (this.#token === token) this.#failures = 0;
  }

  refused(token: Token): boolean {
    // Another call has found that out before.
    if (this.#token !== token) return performance.now() >= this.#retryAt;
    if (!this.#source.renewable) return false;
    this.#token = undefined;
    this.#failures += 1;
    const error = new EtcdError("UNAUTHENTICATED", "the server refuses the token of a login just made");
    const waited = this.#failures - AT_ONCE - 1;
    this.#failed(error, waited < 0 ? 0 : backoffMs(waited, AFTER_REFUSAL));
    return performance.now() >= this.#retryAt;
  }

  async #run(): Promise<Token> {
    try {
      const value = await this.#source.fetch(this.#login);
      this.#lastError = undefined;
      this.#token = new Token(this, value);
      return this.#token;
    } catch (error) {
      // A TypeError is what the user's function gave instead of a secret.
      const failure =
        error instanceof TypeError ? new EtcdError("UNAUTHENTICATED", error.message) : EtcdError.from(error);
      this.#failures += 1;
      this.#failed(failure, backoffMs(this.#failures - 1, isOutage(failure) ? AFTER_OUTAGE : AFTER_REFUSAL));
      throw failure;
    } finally {
      this.#running = undefined;
    }
  }

  #failed(error: EtcdError, waitMs: number): void {
    this.#lastError = error;
    this.#retryAt = performance.now() + waitMs;
  }
}

/** Whether a failed login says nothing about who we are, so that waiting can mend it. */
export function isOutage(error: EtcdError): boolean {
  return isEtcdError(error, "UNAVAILABLE", "TIMEOUT", "NO_LEADER", "TOO_MANY_REQUESTS");
}
