import { type Client, type ClientDuplexStream, status, type StatusObject } from "@grpc/grpc-js";
import { traceStream } from "../diagnostics/stream-trace.ts";
import type { EtcdErrorCode } from "../errors/error-codes.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { meaningOf } from "../errors/server-errors.ts";
import { metadataFor } from "./attempt.ts";
import type { Endpoint } from "./endpoint.ts";
import type { StreamRpc } from "./rpcs.ts";
import type { Token } from "./token.ts";

export interface StreamHandlers<Response> {
  onMessage(message: Response): void;
  /**
   * Called once when the stream ended for another reason than {@link RpcStream.cancel}. `temporary` tells whether a new
   * stream can do better.
   */
  onEnd(error: EtcdError, temporary: boolean): void;
}

/** One bidirectional stream on one endpoint. It does not reconnect; its owner knows what to say on the next one. */
export class RpcStream<Request, Response> {
  readonly endpoint: Endpoint;
  /** What it was opened with. It stays the stream's for as long as that lives. */
  readonly token: Token | undefined;
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Request, Response>;
  readonly #handlers: StreamHandlers<Response>;
  readonly #name: string;
  readonly #openedAt = performance.now();
  #untrack: () => void;
  readonly #traceEnd: (error: EtcdError | undefined) => void;
  #ended = false;

  constructor(endpoint: Endpoint, rpc: StreamRpc<Request, Response>, handlers: StreamHandlers<Response>) {
    this.endpoint = endpoint;
    this.token = endpoint.token;
    this.#handlers = handlers;
    this.#name = rpc.name;
    const { path, requestSerialize, responseDeserialize } = rpc.method;
    this.#client = endpoint.streams;
    this.#call = this.#client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      // A member that lost its leader would otherwise keep a stream open and silent.
      metadataFor({ requireLeader: true }, this.token),
    );
    this.#call.on("data", (message: Response) => {
      if (this.#ended) return;
      this.endpoint.succeeded();
      this.#handlers.onMessage(message);
    });
    // The status says the same and comes in every case, also when the server ends the stream without an error.
    this.#call.on("error", () => {});
    this.#call.on("status", (result: StatusObject) => this.#end(result));
    this.#untrack = endpoint.track(this);
    this.#traceEnd = traceStream(rpc.name, endpoint.url);
  }

  /** Whether there is nothing to expect of it any more. */
  get ended(): boolean {
    return this.#ended;
  }

  send(message: Request): void {
    if (!this.#ended) this.#call.write(message);
  }

  /** Stops reading, so that HTTP/2 flow control stops the server. A few messages already read may still be held back. */
  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  /** Ends the stream from this side; no handler is called any more. */
  cancel(): void {
    this.#cancel(undefined);
  }

  #cancel(reason: EtcdError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#untrack();
    this.#traceEnd(reason);
    // Not at once: of a stream that is cancelled in the turn in which it was opened grpc-js (1.14) sends the beginning
    // but never the reset, and the server keeps it, with its goroutines, for as long as the connection lasts.
    setImmediate(() => this.#call.cancel());
  }

  /** Streams opened later on the same endpoint get another connection; this one goes on on its own. */
  leaveConnection(): void {
    const close = this.endpoint.leaveStreams(this.#client);
    const untrack = this.#untrack;
    this.#untrack = () => {
      untrack();
      close();
    };
  }

  /** Gives up a stream that hangs, and its connection, if that is dead, for all; as {@link cancel}, no handler is called. */
  abandon(reason: string): EtcdError {
    const error = this.#error("UNAVAILABLE", reason);
    this.#cancel(error);
    this.endpoint.failed(reason, performance.now());
    this.endpoint.streamUnheard(this.#client);
    return error;
  }

  /** Called by its endpoint, which has found a connection dead. */
  connectionLost(used: Client, reason: string): void {
    if (this.#ended || used !== this.#client) return;
    const error = this.#error("UNAVAILABLE", reason);
    this.#cancel(error);
    this.endpoint.failed(reason, performance.now());
    this.#handlers.onEnd(error, true);
  }

  #end({ code, details }: StatusObject): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#untrack();
    const text = code === status.OK ? "the server ended the stream" : details;
    const meaning =
      code === status.OK
        ? ({ code: "UNAVAILABLE", temporary: true, login: undefined } as const)
        : meaningOf(code, details);
    if (meaning.temporary) this.endpoint.failed(text, this.#openedAt);
    const error = this.#error(meaning.code, text);
    this.#traceEnd(error);
    // The next stream gets the token of the next login.
    const renewed = meaning.login !== undefined && this.token?.refused() === true;
    this.#handlers.onEnd(error, meaning.temporary || renewed);
  }

  #error(code: EtcdErrorCode, text: string): EtcdError {
    return new EtcdError(code, `${this.#name} stream on ${this.endpoint.url} ended: ${text}`);
  }
}
