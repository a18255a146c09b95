import {
  type Client,
  type ClientDuplexStream,
  credentials,
  makeClientConstructor,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  status,
  type StatusObject,
} from "@grpc/grpc-js";
import { rpcs, services, type WatchRequest, type WatchResponse } from "@quorumkit/proto";

/** What was created on one stream, as it was seen on the wire. */
export interface SeenStream {
  /** The ids that were asked for; 0n leaves it to the server. */
  readonly asked: bigint[];
  /** The ids in the server's confirmations; -1n refuses. */
  readonly created: bigint[];
}

/** A server of watches only, which passes streams on to etcd as they are and notes the ids on both ways. */
export class WatchRelay {
  readonly streams: SeenStream[] = [];
  readonly #server = new Server();
  readonly #upstream: Client;
  /** The streams there are, each with how it goes on to etcd. */
  readonly #open = new Map<
    ServerDuplexStream<WatchRequest, WatchResponse>,
    ClientDuplexStream<WatchRequest, WatchResponse>
  >();

  private constructor(endpoint: string) {
    this.#upstream = new (makeClientConstructor({}, "relay"))(
      new URL(endpoint).host,
      credentials.createInsecure(),
    );
    this.#server.addService(
      { watch: services.watch.watch },
      { watch: (stream: ServerDuplexStream<WatchRequest, WatchResponse>) => this.#relay(stream) },
    );
  }

  /** In front of `endpoint`; `url` is what to give the client under test. */
  static async start(endpoint: string): Promise<{ relay: WatchRelay; url: string }> {
    const relay = new WatchRelay(endpoint);
    const port = await new Promise<number>((resolve, reject) => {
      relay.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    return { relay, url: `http://127.0.0.1:${port}` };
  }

  /** Ends every stream, as a server that goes away does. */
  cut(): void {
    for (const stream of this.#open.keys())
      stream.emit("error", { code: status.UNAVAILABLE, details: "cut" });
  }

  /** Takes no more from etcd on the streams there are; flow control stops it before long. Requests go on. */
  hold(): void {
    for (const up of this.#open.values()) up.pause();
  }

  release(): void {
    for (const up of this.#open.values()) up.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
    this.#upstream.close();
    return Promise.resolve();
  }

  #relay(stream: ServerDuplexStream<WatchRequest, WatchResponse>): void {
    const seen: SeenStream = { asked: [], created: [] };
    this.streams.push(seen);
    const { path, requestSerialize, responseDeserialize } = rpcs.watch.watch;
    const up: ClientDuplexStream<WatchRequest, WatchResponse> = this.#upstream.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
    );
    this.#open.set(stream, up);
    stream.on("data", (request: WatchRequest) => {
      if (request.createRequest) seen.asked.push(request.createRequest.watchId);
      up.write(request);
    });
    up.on("data", (response: WatchResponse) => {
      if (response.created) seen.created.push(response.watchId);
      stream.write(response);
    });
    up.on("error", () => {});
    up.on("status", (result: StatusObject) => {
      if (this.#open.has(stream)) stream.emit("error", result);
    });
    const ended = (): void => {
      this.#open.delete(stream);
      up.cancel();
    };
    stream.on("cancelled", ended);
    stream.on("error", ended);
  }
}
