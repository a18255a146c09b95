import { Metadata, status, type ServiceError } from "@grpc/grpc-js";
import type { EtcdErrorCode } from "../errors/error-codes.ts";
import type { Outcome } from "../errors/etcd-error.ts";
import { meaningOf } from "../errors/server-errors.ts";
import { onAbort, within } from "../util/abort.ts";
import type { CallProgress } from "./call-progress.ts";
import { connected } from "./connected.ts";
import type { Endpoint } from "./endpoint.ts";
import type { UnaryRpc } from "./rpcs.ts";
import type { Token } from "./token.ts";
import { unaryCall } from "./unary-call.ts";

/** How one sending of a call failed. */
export interface AttemptFailure {
  readonly code: EtcdErrorCode;
  readonly outcome: Outcome;
  /** Trying again, here later or elsewhere now, can help. */
  readonly temporary: boolean;
  /** The server's or transport's words. */
  readonly details: string;
  readonly cause: Error;
  /** Set where a login can mend it. */
  readonly login?: "missing" | "outdated";
  /** What the call carried. */
  readonly token?: Token | undefined;
}

export type AttemptResult<Response> =
  | { readonly ok: true; readonly response: Response; readonly token: Token | undefined }
  | { readonly ok: false; readonly failure: AttemptFailure };

/** The clocks of this side and the server's run apart by so much at most, from when a call is sent until its deadline. */
const CLOSE_MS = 5;

const PLAIN = new Metadata();
const REQUIRE_LEADER = new Metadata();
REQUIRE_LEADER.set("hasleader", "true");

/** Metadata of a call or stream. grpc-js clones it, so one object serves all. */
export function metadataFor(
  { requireLeader }: { readonly requireLeader: boolean },
  token: Token | undefined,
): Metadata {
  return token?.metadata(requireLeader) ?? (requireLeader ? REQUIRE_LEADER : PLAIN);
}

export interface AttemptOptions {
  /** How long to wait for a connection, in ms. A call that got none was never sent. */
  readonly connectMs: number;
  /** How long the whole attempt may take, in ms. */
  readonly timeoutMs: number;
  /** Cancels the call. */
  readonly signal: AbortSignal | undefined;
  /** Keeps the call from being sent, but lets it end once it was. */
  readonly stop: AbortSignal | undefined;
  /** Is told when it is sent. */
  readonly progress: CallProgress;
}

/** Sends a call once, to one endpoint. Resolves in every case. */
export async function attempt<Request, Response>(
  endpoint: Endpoint,
  rpc: UnaryRpc<Request, Response>,
  request: Request,
  { connectMs, timeoutMs, signal, stop, progress }: AttemptOptions,
): Promise<AttemptResult<Response>> {
  const deadline = performance.now() + timeoutMs;
  const refreshing = endpoint.refresh("calls");
  if (refreshing !== undefined) await within(refreshing, connectMs, signal, stop);
  const client = endpoint.calls;
  if (!(await connected(client, connectMs, [signal, stop]))) return { ok: false, failure: noConnection() };
  if (signal?.aborted === true || stop?.aborted === true) return { ok: false, failure: noConnection() };
  // Only now: waiting for the connection, it may have been replaced.
  const token = rpc.anonymous === true ? undefined : endpoint.token;
  progress.sending = true;
  return new Promise<AttemptResult<Response>>((resolve) => {
    const call = unaryCall(
      client,
      rpc.method,
      request,
      { metadata: metadataFor(rpc, token), timeoutMs: deadline - performance.now() },
      (...[error, response]) => {
        untrack();
        removeListener();
        if (error === null) {
          endpoint.callHeard();
          resolve({ ok: true, response, token });
          return;
        }
        const code = statusWith(deadline - performance.now(), error.code);
        if (code !== status.DEADLINE_EXCEEDED) endpoint.callHeard();
        resolve({ ok: false, failure: { ...failureOf(error, code), token } });
      },
    );
    const untrack = endpoint.track(call);
    const removeListener = onAbort(signal, () => call.cancel());
    // It throws where the channel was closed a moment ago; then nothing was sent.
  }).catch(() => ({ ok: false, failure: noConnection() }));
}

function noConnection(): AttemptFailure {
  const details = "no connection came up in time";
  return { code: "UNAVAILABLE", outcome: "notApplied", temporary: true, details, cause: new Error(details) };
}

/**
 * What a call has failed with when so much of its time was left, in ms. The server knows the deadline, too: where it is the
 * first to end the call, grpc-js only sees that the stream was reset.
 */
export function statusWith(leftMs: number, code: status): status {
  return code === status.CANCELLED && leftMs <= CLOSE_MS ? status.DEADLINE_EXCEEDED : code;
}

function failureOf(cause: ServiceError, code: status): AttemptFailure {
  // grpc-js ends some of its texts with a note that is mostly empty.
  const details = cause.details.replace(/ Resolution note: *$/, "");
  return { ...meaningOf(code, details), details, cause };
}
