import { EtcdError, type Outcome } from "../errors/etcd-error.ts";
import type { AttemptFailure } from "./attempt.ts";
import type { Endpoint } from "./endpoint.ts";

/** An endpoint that had less time than this to answer did not fail; its caller was in a hurry. */
const FAIR_TIME_MS = 200;

export function callError(
  name: string,
  endpoint: Endpoint,
  { code, details, cause }: AttemptFailure,
  outcome: Outcome | undefined,
): EtcdError {
  return new EtcdError(code, `${name} failed on ${endpoint.url}: ${details}`, { outcome, cause });
}

export function abortedError(name: string, signal: AbortSignal, outcome: Outcome | undefined): EtcdError {
  return new EtcdError("ABORTED", `${name} was aborted by the caller`, { outcome, cause: signal.reason });
}

export function closedError(outcome?: Outcome): EtcdError {
  return new EtcdError("CLOSED", "the client is closed", { outcome });
}

/** Whether a call that was refused for its login may be sent again, as it is or after another login. */
export function canBeMended({ login, token }: AttemptFailure): boolean {
  // Without one, the user is the certificate's, and may have changed while the call was under way.
  return token === undefined ? login === "outdated" : token.refused();
}

export function isEndpointsFault({ code }: AttemptFailure, tookMs: number): boolean {
  return code !== "TOO_MANY_REQUESTS" && !(code === "TIMEOUT" && tookMs < FAIR_TIME_MS);
}

/** A function, because the type checker takes a look at `aborted` to hold beyond the next await. */
export function isAborted(signal: AbortSignal | undefined): signal is AbortSignal {
  return signal?.aborted === true;
}
