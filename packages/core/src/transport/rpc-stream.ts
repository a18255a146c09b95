import { type ClientDuplexStream, status, type StatusObject } from "@grpc/grpc-js";
import { EtcdError } from "../errors/etcd-error.ts";
import { meaningOf } from "../errors/server-errors.ts";
import { metadataFor } from "./attempt.ts";
import type { Endpoint } from "./endpoint.ts";
import type { StreamRpc } from "./rpcs.ts";

export interface StreamHandlers<Response> {
  onMessage(message: Response): void;
  /** Called once when the stream ended for another reason than {@link RpcStream.cancel}. */
  onEnd(error: EtcdError): void;
}

/** One bidirectional stream on one endpoint. It does not reconnect; its owner knows what to say on the next one. */
export class RpcStream<Request, Response> {
  readonly endpoint: Endpoint;
  readonly #call: ClientDuplexStream<Request, Response>;
  readonly #handlers: StreamHandlers<Response>;
  readonly #name: string;
  readonly #openedAt = performance.now();
  #ended = false;

  constructor(endpoint: Endpoint, rpc: StreamRpc<Request, Response>, handlers: StreamHandlers<Response>) {
    this.endpoint = endpoint;
    this.#handlers = handlers;
    this.#name = rpc.name;
    const { path, requestSerialize, responseDeserialize } = rpc.method;
    this.#call = endpoint.streams.makeBidiStreamRequest(
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
    this.#call.cancel();
  }

  #end({ code, details }: StatusObject): void {
    if (this.#ended) return;
    this.#ended = true;
    const text = code === status.OK ? "the server ended the stream" : details;
    const meaning =
      code === status.OK ? ({ code: "UNAVAILABLE", temporary: true } as const) : meaningOf(code, details);
    if (meaning.temporary) this.endpoint.failed(text, this.#openedAt);
    this.#handlers.onEnd(
      new EtcdError(meaning.code, `${this.#name} stream on ${this.endpoint.url} ended: ${text}`),
    );
  }
}
