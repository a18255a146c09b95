import { EtcdError } from "../errors/etcd-error.ts";
import { raceAbort } from "../util/abort.ts";
import { describe, refuseUnknown } from "../util/validate.ts";

/** How the client proves who it is. Neither a password nor a token is ever shown in an error or an event. */
export type AuthOptions =
  | {
      readonly username: string;
      /** A function is asked at every login, so that a password that changes need not end the client. */
      readonly password: string | (() => string | Promise<string>);
      readonly token?: undefined;
    }
  | {
      /**
       * A token made elsewhere, such as a JWT. A function is asked for the first token, and for another one when the server
       * refuses the last; a plain string cannot be renewed, so that calls end with `UNAUTHENTICATED` once it has expired.
       */
      readonly token: string | (() => string | Promise<string>);
      readonly username?: undefined;
      readonly password?: undefined;
    };

/** What is sent to the server to get a token. */
export interface LoginRequest {
  readonly name: string;
  readonly password: string;
}

/** Asks the server for a token; undefined when it wants none, because authentication is not enabled. */
export type Login = (request: LoginRequest) => Promise<string | undefined>;

/** Where tokens come from. Closures hold the secrets, so that no inspection of an object shows them. */
export interface TokenSource {
  /** Whether asking again can give another token. */
  readonly renewable: boolean;
  readonly fetch: (login: Login) => Promise<string | undefined>;
}

/** Checks the `auth` option. A function of it gets `timeoutMs` to answer. */
export function resolveAuth(auth: AuthOptions | undefined, timeoutMs: number): TokenSource | undefined {
  if (auth === undefined) return undefined;
  refuseUnknown(auth, ["username", "password", "token"], "auth");
  const { username, password, token } = auth;
  if (token === undefined) return passwordSource(username, password, timeoutMs);
  if (username !== undefined || password !== undefined)
    throw new TypeError("auth: give a username and a password, or a token, not both");
  return tokenSource(token, timeoutMs);
}

function passwordSource(username: unknown, password: unknown, timeoutMs: number): TokenSource {
  if (typeof username !== "string" || username === "")
    throw new TypeError(`auth.username must be a non-empty string, received ${describe(username)}`);
  if (typeof password !== "function") refuseSecret(password, "auth.password");
  return {
    renewable: true,
    fetch: async (login) =>
      login({ name: username, password: await read(password, "auth.password", timeoutMs) }),
  };
}

function tokenSource(token: unknown, timeoutMs: number): TokenSource {
  if (typeof token !== "function") refuseToken(token, "auth.token");
  return {
    renewable: typeof token === "function",
    fetch: async () => {
      const value = await read(token, "auth.token", timeoutMs);
      // grpc-js would refuse it too, but with the token in the message.
      refuseToken(value, "auth.token()");
      return value;
    },
  };
}

/** The secret itself, or what its function gives within `timeoutMs`. */
async function read(secret: unknown, name: string, timeoutMs: number): Promise<string> {
  if (typeof secret !== "function") return secret as string;
  const limit = AbortSignal.timeout(timeoutMs);
  let value: unknown;
  try {
    value = await raceAbort(Promise.resolve(secret() as unknown), limit);
  } catch (cause) {
    if (cause === limit.reason)
      throw new EtcdError("TIMEOUT", `${name}() gave nothing within ${timeoutMs} ms`);
    throw new EtcdError("UNAVAILABLE", `${name}() failed`, { cause });
  }
  refuseSecret(value, `${name}()`);
  return value;
}

function refuseToken(value: unknown, name: string): void {
  refuseSecret(value, name);
  if (!/^[\x21-\x7e]+$/.test(value)) throw new TypeError(`${name} must be of visible ASCII characters only`);
}

function refuseSecret(value: unknown, name: string): asserts value is string {
  if (typeof value !== "string") throw new TypeError(`${name} must be a string, received ${typeOf(value)}`);
  if (value === "") throw new TypeError(`${name} must not be empty`);
}

function typeOf(value: unknown): string {
  return value === null ? "null" : `a value of type ${typeof value}`;
}
