import { type Client, type ClientDuplexStream, status, type StatusObject } from "@grpc/grpc-js";
import type { EtcdErrorCode } from "../errors/error-codes.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { meaningOf } from "../errors/server-errors.ts";
import { metadataFor } from "./attempt.ts";
import type { Endpoint } from "./endpoint.ts";
import type { StreamRpc } from "./rpcs.ts";

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
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Request, Response>;
  readonly #handlers: StreamHandlers<Response>;
  readonly #name: string;
  readonly #openedAt = performance.now();
  readonly #untrack: () => void;
  #ended = false;

  constructor(endpoint: Endpoint, rpc: StreamRpc<Request, Response>, handlers: StreamHandlers<Response>) {
    this.endpoint = endpoint;
    this.#handlers = handlers;
    this.#name = rpc.name;
    const { path, requestSerialize, responseDeserialize } = rpc.method;
    this.#client = endpoint.streams;
    this.#call = this.#client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      // A member that lost its leader would otherwise keep a stream open and silent.
      metadataFor({ requireLeader: true }),
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
    if (this.#ended) return;
    this.#ended = true;
    this.#untrack();
    // Not at once: of a stream that is cancelled in the turn in which it was opened grpc-js (1.14) sends the beginning
    // but never the reset, and the server keeps it, with its goroutines, for as long as the connection lasts.
    setImmediate(() => this.#call.cancel());
  }

  /** Gives up a stream that hangs, and with it the connection it is on; as {@link cancel}, no handler is called. */
  abandon(reason: string): EtcdError {
    this.cancel();
    this.endpoint.failed(reason, performance.now());
    this.endpoint.renewStreams(this.#client);
    return this.#error("UNAVAILABLE", reason);
  }

  #end({ code, details }: StatusObject): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#untrack();
    const text = code === status.OK ? "the server ended the stream" : details;
    const meaning =
      code === status.OK ? ({ code: "UNAVAILABLE", temporary: true } as const) : meaningOf(code, details);
    if (meaning.temporary) this.endpoint.failed(text, this.#openedAt);
    this.#handlers.onEnd(this.#error(meaning.code, text), meaning.temporary);
  }

  #error(code: EtcdErrorCode, text: string): EtcdError {
    return new EtcdError(code, `${this.#name} stream on ${this.endpoint.url} ended: ${text}`);
  }
}
