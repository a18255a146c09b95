import { EtcdError } from "../errors/etcd-error.ts";
import type { Login, LoginRequest, TokenSource } from "./auth-options.ts";
import { within } from "../util/abort.ts";
import { Authenticator } from "./authenticator.ts";
import { ChannelSecurity } from "./channel-security.ts";
import { type ResolvedPings, resolvePings } from "./ping-options.ts";
import type { Token } from "./token.ts";

/** How the client comes in: by TLS, by a login, by both or by none; and how it pings. Its endpoints share it. */
export class ClientIdentity {
  readonly security: ChannelSecurity;
  readonly pings: ResolvedPings;
  readonly #source: TokenSource | undefined;
  readonly #authenticator: Authenticator | undefined;

  /** `login` asks the server for a token. */
  constructor(
    security: ChannelSecurity = new ChannelSecurity(),
    source?: TokenSource,
    login: Login = async () => undefined,
    pings: ResolvedPings = resolvePings(),
  ) {
    this.pings = pings;
    this.security = security;
    this.#source = source;
    this.#authenticator = source === undefined ? undefined : new Authenticator(source, login);
  }

  /** What to send with calls; undefined without `auth`, and before the login. */
  get token(): Token | undefined {
    return this.#authenticator?.token;
  }

  /** Whether a call can be sent now. `anonymous` is one that needs no login. */
  ready(anonymous = false): boolean {
    if (!this.security.loaded) return false;
    return anonymous || this.#authenticator === undefined || this.#authenticator.token !== undefined;
  }

  /**
   * Reads files and logs in, as far as that has to be done; no longer than `ms`, and only until one of the signals aborts.
   * Throws the `EtcdError` of what cannot be done.
   */
  async prepare(ms: number, signals: readonly (AbortSignal | undefined)[], anonymous = false): Promise<void> {
    if (!this.security.loaded) await within(this.security.load(), ms, ...signals);
    if (signals.some((signal) => signal?.aborted === true)) return;
    if (!this.security.loaded) throw new EtcdError("TIMEOUT", "the files of tls could not be read in time");
    if (anonymous) return;
    await this.#authenticator?.wait(ms, ...signals);
  }

  /** A change of a user's password that is under way. Where it is the client's own, logins go on with the new one. */
  async afterPassword<Response>(request: unknown, changing: Promise<Response>): Promise<Response> {
    const { name, password } = request as LoginRequest;
    const settled = this.#source?.passwordChanging?.({ name, password });
    try {
      const response = await changing;
      settled?.("applied");
      return response;
    } catch (error) {
      settled?.(error instanceof EtcdError && error.outcome === "notApplied" ? "notApplied" : "unknown");
      throw error;
    }
  }
}

/** Tells of a call or stream that it could not even be begun. */
export function notBegun(name: string, error: EtcdError, outcome?: EtcdError["outcome"]): EtcdError {
  const { code, message } = error;
  // The code leads the message already.
  return new EtcdError(code, `${name} was not sent, ${message.slice(`${code}: `.length)}`, {
    outcome,
    cause: error,
  });
}
