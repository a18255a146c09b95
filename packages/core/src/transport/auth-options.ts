import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import { raceAbort } from "../util/abort.ts";
import { describe, refuseUnknown } from "../util/validate.ts";

/** How the client proves who it is. Neither a password nor a token is ever shown in an error or an event. */
export type AuthOptions =
  | {
      /** The user's name in etcd. */
      readonly username: string;
      /** A function is asked at every login, so that a password that changes need not end the client. */
      readonly password: string | (() => string | Promise<string>);
      /** Not beside a password. */
      readonly token?: undefined;
    }
  | {
      /**
       * A token made elsewhere, such as a JWT. A function is asked for the first token, and for another one when the server
       * refuses the last; a plain string cannot be renewed, so that calls end with `UNAUTHENTICATED` once it has expired.
       */
      readonly token: string | (() => string | Promise<string>);
      /** Not beside a token. */
      readonly username?: undefined;
      /** Not beside a token. */
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
  /** A user's password is being changed through this client. The result is to be told how that ended. */
  readonly passwordChanging?: (change: LoginRequest) => (end: "applied" | "notApplied" | "unknown") => void;
}

/** One that is asked for is checked only then. */
type Secret = string | (() => unknown);

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
  let current = secretOption(password, "auth.password");
  let next: string | undefined;
  return {
    renewable: true,
    fetch: async (login) => {
      try {
        return await login({ name: username, password: await read(current, "auth.password", timeoutMs) });
      } catch (error) {
        // The server may know the new password before its answer is here, or its answer may be lost.
        if (next === undefined || !isEtcdError(error, "UNAUTHENTICATED")) throw error;
        return login({ name: username, password: next });
      }
    },
    passwordChanging: (change) => {
      // A function knows by itself.
      if (change.name !== username || typeof current === "function") return () => {};
      next = change.password;
      return (end) => {
        if (end === "applied") current = change.password;
        if (end !== "unknown" && next === change.password) next = undefined;
      };
    },
  };
}

function tokenSource(token: unknown, timeoutMs: number): TokenSource {
  const secret = secretOption(token, "auth.token");
  if (typeof secret === "string") refuseToken(secret, "auth.token");
  return {
    renewable: typeof secret === "function",
    fetch: async () => {
      const value = await read(secret, "auth.token", timeoutMs);
      // grpc-js would refuse it too, but with the token in the message.
      refuseToken(value, "auth.token()");
      return value;
    },
  };
}

/** The secret itself, or what its function gives within `timeoutMs`. */
async function read(secret: Secret, name: string, timeoutMs: number): Promise<string> {
  if (typeof secret === "string") return secret;
  const limit = AbortSignal.timeout(timeoutMs);
  let value: unknown;
  try {
    value = await raceAbort(Promise.resolve(secret()), limit);
  } catch (cause) {
    if (cause === limit.reason)
      throw new EtcdError("TIMEOUT", `${name}() gave nothing within ${timeoutMs} ms`);
    throw new EtcdError("UNAVAILABLE", `${name}() failed`, { cause });
  }
  refuseSecret(value, `${name}()`);
  return value;
}

function secretOption(value: unknown, name: string): Secret {
  if (typeof value === "function") return value as () => unknown;
  refuseSecret(value, name);
  return value;
}

function refuseToken(value: string, name: string): void {
  if (!/^[\x21-\x7e]+$/.test(value)) throw new TypeError(`${name} must be of visible ASCII characters only`);
}

function refuseSecret(value: unknown, name: string): asserts value is string {
  if (typeof value !== "string") throw new TypeError(`${name} must be a string, received ${typeOf(value)}`);
  if (value === "") throw new TypeError(`${name} must not be empty`);
}

function typeOf(value: unknown): string {
  return value === null ? "null" : `a value of type ${typeof value}`;
}
