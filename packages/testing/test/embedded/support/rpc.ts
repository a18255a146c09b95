import { once } from "node:events";
import {
  Client,
  Metadata,
  credentials,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ServiceError,
} from "@grpc/grpc-js";
import { rpcs } from "@quorumkit/proto";
import type { RpcMethod } from "@quorumkit/proto";

export interface CallOptions {
  /** Send these with the call. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Milliseconds. Default 10 000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** One connection to one server, and nothing between a test and the wire. */
export class Rpc implements AsyncDisposable {
  readonly #client: Client;

  constructor(endpoint: string) {
    this.#client = new Client(endpoint.replace("http://", ""), credentials.createInsecure(), {
      "grpc.enable_retries": 0,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.initial_reconnect_backoff_ms": 20,
      "grpc.min_reconnect_backoff_ms": 20,
      "grpc.max_reconnect_backoff_ms": 50,
    });
  }

  async call<Req, Res>(
    method: RpcMethod<Req, Res, false, false>,
    request: Req,
    { metadata, timeoutMs = 10_000, signal }: CallOptions = {},
  ): Promise<Res> {
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        toMetadata(metadata),
        { deadline: Date.now() + timeoutMs },
        (error, answer) => {
          if (error !== null) reject(error);
          else resolve(answer as Res);
        },
      );
      signal?.addEventListener("abort", () => call.cancel(), { once: true });
    });
  }

  open<Req, Res>(method: RpcMethod<Req, Res, true, true>, { metadata }: CallOptions = {}): Duplex<Req, Res> {
    const { path, requestSerialize, responseDeserialize } = method;
    const stream = this.#client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      toMetadata(metadata),
    );
    return new Duplex(stream);
  }

  listen<Req, Res>(
    method: RpcMethod<Req, Res, false, true>,
    request: Req,
    { metadata }: CallOptions = {},
  ): Answers<Res> {
    const { path, requestSerialize, responseDeserialize } = method;
    return new Answers(
      this.#client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        toMetadata(metadata),
      ),
    );
  }

  async put(key: string, value: string, lease: bigint = 0n): Promise<bigint> {
    const { header } = await this.call(rpcs.kv.put, {
      key: Buffer.from(key),
      value: Buffer.from(value),
      lease,
    });
    return header?.revision ?? 0n;
  }

  /** The value of a key; `undefined`: there is none. */
  async get(
    key: string,
    { serializable = false }: { serializable?: boolean } = {},
  ): Promise<string | undefined> {
    const { kvs } = await this.call(rpcs.kv.range, { key: Buffer.from(key), serializable });
    return kvs[0]?.value.toString();
  }

  async grant(ttl: bigint): Promise<bigint> {
    return (await this.call(rpcs.lease.leaseGrant, { TTL: ttl })).ID;
  }

  close(): void {
    this.#client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve();
    this.close();
  }
}

/** The answers of a stream, in the order in which they come, and how it ended. */
export class Answers<Res> {
  readonly received: Res[] = [];
  /** Resolves with the error the stream ended with; `undefined` when it ended well. */
  readonly ended: Promise<ServiceError | undefined>;
  readonly #stream: ClientReadableStream<Res> | ClientDuplexStream<never, Res>;
  #taken = 0;

  constructor(stream: ClientReadableStream<Res> | ClientDuplexStream<never, Res>) {
    this.#stream = stream;
    this.ended = new Promise((resolve) => {
      stream.once("error", resolve);
      stream.once("end", () => resolve(undefined));
    });
    stream.on("data", (answer: Res) => this.received.push(answer));
  }

  /** The next answer. */
  async next(): Promise<Res> {
    while (this.received.length <= this.#taken) await once(this.#stream, "data");
    return this.received[this.#taken++] as Res;
  }

  cancel(): void {
    this.#stream.cancel();
  }
}

/** A stream in both directions. */
export class Duplex<Req, Res> extends Answers<Res> {
  readonly #duplex: ClientDuplexStream<Req, Res>;

  constructor(stream: ClientDuplexStream<Req, Res>) {
    super(stream);
    this.#duplex = stream;
  }

  send(request: Req): void {
    this.#duplex.write(request);
  }

  end(): void {
    this.#duplex.end();
  }
}

/** Code and text of what a call failed with. */
export async function failureOf(call: Promise<unknown>): Promise<{ code: number; details: string }> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason as ServiceError,
  );
  if (error === undefined) throw new Error("the call was answered");
  return { code: error.code, details: error.details };
}

/** Asks for all events of a key from now on. Resolves when the watch stands. */
export async function watchKey(
  rpc: Rpc,
  key: string,
  options: CallOptions = {},
): Promise<
  Duplex<
    Parameters<typeof rpcs.watch.watch.requestSerialize>[0],
    ReturnType<typeof rpcs.watch.watch.responseDeserialize>
  >
> {
  const stream = rpc.open(rpcs.watch.watch, options);
  stream.send({ createRequest: { key: Buffer.from(key) } });
  await stream.next();
  return stream;
}

function toMetadata(entries: Readonly<Record<string, string>> = {}): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(entries)) metadata.set(key, value);
  return metadata;
}
