import { type ServiceError, status } from "@grpc/grpc-js";
import { traceStream } from "../diagnostics/stream-trace.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { meaningOf } from "../errors/server-errors.ts";
import { onAbort } from "../util/abort.ts";
import { metadataFor } from "./attempt.ts";
import { timeoutOption } from "./call-options.ts";
import { connected } from "./connected.ts";
import type { Connection } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import { fairShareMs } from "./fair-share.ts";
import type { ServerStreamRpc } from "./rpcs.ts";

export interface ServerStreamOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long it may take until the stream is open, in ms. @default the client's `timeoutMs` */
  readonly timeoutMs?: number | undefined;
  /** How long each message may stay out, in ms; the reader's own time does not count. @default no limit */
  readonly messageMs?: number | undefined;
  /** Only here. @default the next endpoint, and another one where it fails before its first message */
  readonly endpoint?: Endpoint | undefined;
}

/** How a stream ended. */
export type StreamEnd =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly error: EtcdError;
      /** A new stream can do better, and has nothing to repeat: no message came. */
      readonly again: boolean;
    };

/**
 * The answers of a call that has many. Read slowly, the server waits (HTTP/2 flow control); left early, it is told. A
 * stream that breaks before its first message is opened again elsewhere; one that breaks later throws, since only the
 * caller knows where to go on.
 */
export async function* serverStream<Request, Response>(
  connection: Connection,
  rpc: ServerStreamRpc<Request, Response>,
  request: Request,
  { signal, timeoutMs, messageMs, endpoint: only }: ServerStreamOptions = {},
): AsyncGenerator<Response, void, void> {
  const limitMs = timeoutOption(timeoutMs, connection.defaultTimeoutMs);
  const deadline = performance.now() + limitMs;
  let avoid: Endpoint | undefined;
  let last: EtcdError | undefined;
  for (;;) {
    const endpoint = await acquireEndpoint(connection, { only, avoid, signal, deadline });
    refuseEnded(connection, rpc.name, signal);
    const remainingMs = deadline - performance.now();
    if (endpoint === undefined || remainingMs <= 0) {
      const failures = connection.endpoints.map(
        ({ url, lastError }) => `${url}: ${lastError ?? "not tried"}`,
      );
      const why = `${rpc.name} found nobody to ask within ${limitMs} ms (${failures.join("; ")})`;
      throw new EtcdError(last?.code ?? "UNAVAILABLE", why, { cause: last });
    }
    const first = last === undefined;
    const shareMs =
      only === undefined ? fairShareMs(remainingMs, endpoint, connection.endpoints, { first }) : remainingMs;
    const end = yield* readServerStream(endpoint, connection.spoken(rpc), request, {
      connectMs: shareMs,
      // Once it talks it is left alone.
      firstMs: messageMs !== undefined && shareMs < remainingMs ? Math.min(messageMs, shareMs) : undefined,
      messageMs,
      signal,
      stop: connection.closing,
    });
    if (end.ok) return;
    refuseEnded(connection, rpc.name, signal);
    if (!end.again) throw end.error;
    last = end.error;
    avoid = endpoint;
  }
}

/** One stream on one endpoint; tells how it ended instead of throwing. */
export async function* readServerStream<Request, Response>(
  endpoint: Endpoint,
  rpc: ServerStreamRpc<Request, Response>,
  request: Request,
  options: {
    readonly connectMs: number;
    /** How long the first message may stay out, in ms. @default messageMs */
    readonly firstMs?: number | undefined;
    readonly messageMs: number | undefined;
    readonly signal: AbortSignal | undefined;
    readonly stop: AbortSignal;
  },
): AsyncGenerator<Response, StreamEnd, void> {
  const { connectMs, messageMs, signal, stop } = options;
  const openedAt = performance.now();
  await endpoint.refresh("streams");
  const client = endpoint.streams;
  if (!(await connected(client, connectMs, [signal, stop]))) {
    const text = "no connection came up in time";
    if (signal?.aborted !== true && !stop.aborted) endpoint.failed(text, openedAt);
    return ended(endpoint, rpc.name, "UNAVAILABLE", text, true);
  }
  const { path, requestSerialize, responseDeserialize } = rpc.method;
  const { token } = endpoint;
  const call = client.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    request,
    metadataFor(rpc, token),
  );
  // Its iterator throws the same.
  call.on("error", () => {});
  // Not in the turn in which it was opened: see RpcStream.cancel.
  const cancel = (): void => void setImmediate(() => call.cancel());
  const untrack = endpoint.track(call);
  const traceEnd = traceStream(rpc.name, endpoint.url);
  let failure: EtcdError | undefined;
  const removers = [signal, stop].map((each) => onAbort(each, cancel));
  const messages = call[Symbol.asyncIterator]() as AsyncIterator<Response, undefined>;
  let timer: NodeJS.Timeout | undefined;
  let waitMs: number | undefined;
  let late = false;
  let begun = false;
  const noted = (end: StreamEnd): StreamEnd => {
    if (!end.ok) failure = end.error;
    return end;
  };
  try {
    for (;;) {
      waitMs = begun ? messageMs : (options.firstMs ?? messageMs);
      if (waitMs !== undefined) {
        timer = setTimeout(() => {
          late = true;
          call.cancel();
        }, waitMs);
      }
      const next = await messages.next();
      clearTimeout(timer);
      if (next.done === true) return { ok: true };
      endpoint.succeeded();
      if (!begun) token?.accepted();
      begun = true;
      yield next.value;
    }
  } catch (error) {
    if (late) {
      const text = `nothing came for ${Math.ceil(waitMs ?? 0)} ms`;
      endpoint.failed(text, openedAt);
      return noted(ended(endpoint, rpc.name, "TIMEOUT", text, waitMs !== messageMs));
    }
    const { code = status.INTERNAL, details = String(error) } = error as Partial<ServiceError>;
    const meaning = meaningOf(code, details);
    // Ended from this side, it says nothing of the endpoint.
    const own = signal?.aborted === true || stop.aborted;
    if (meaning.temporary && !own) endpoint.failed(details, openedAt);
    const again = meaning.temporary || (meaning.login !== undefined && token?.refused() === true);
    const end = ended(endpoint, rpc.name, meaning.code, details, again && !begun, error);
    return own ? end : noted(end);
  } finally {
    clearTimeout(timer);
    untrack();
    traceEnd(failure);
    for (const remove of removers) remove();
    cancel();
  }
}

/** The endpoint for a stream; undefined when the deadline passes first, or the caller or the client ends it. */
export async function acquireEndpoint(
  connection: Connection,
  options: {
    readonly only?: Endpoint | undefined;
    readonly avoid?: Endpoint | undefined;
    readonly signal: AbortSignal | undefined;
    readonly deadline: number;
  },
): Promise<Endpoint | undefined> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), Math.max(1, options.deadline - performance.now()));
  const signals = [limit.signal, ...(options.signal === undefined ? [] : [options.signal])];
  try {
    return await connection.acquire(signals, options);
  } finally {
    clearTimeout(timer);
  }
}

function refuseEnded(connection: Connection, name: string, signal: AbortSignal | undefined): void {
  if (signal?.aborted === true)
    throw new EtcdError("ABORTED", `${name} was aborted by the caller`, { cause: signal.reason });
  if (connection.closing.aborted) throw new EtcdError("CLOSED", "the client is closed");
}

function ended(
  { url }: Endpoint,
  name: string,
  code: EtcdError["code"],
  details: string,
  again: boolean,
  cause?: unknown,
): StreamEnd {
  return { ok: false, again, error: new EtcdError(code, `${name} failed on ${url}: ${details}`, { cause }) };
}
