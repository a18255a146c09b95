import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import type {
  BidiStreamMethod,
  ResponseHeader,
  RpcMethod,
  ServerStreamMethod,
  UnaryMethod,
} from "@quorumkit/proto";

/** Every answer of etcd has one, and in it the store's revision. */
export interface Answer {
  readonly header?: ResponseHeader | null;
}

const CALL_TIMEOUT_MS = 20_000;

/** A plain gRPC client of one server: nothing is tried again, and no error is translated. */
export class Connection {
  readonly client: Client;
  #revision = 0n;

  constructor(endpoint: string) {
    this.client = new Client(new URL(endpoint).host, credentials.createInsecure());
  }

  /** The newest revision that an answer has told. */
  get revision(): bigint {
    return this.#revision;
  }

  /** @throws the status of the call, as grpc-js gives it. */
  async unary<Request extends object, Response extends Answer>(
    { path, requestSerialize, responseDeserialize }: UnaryMethod<Request, Response>,
    request: Request,
    metadata: Metadata = new Metadata(),
  ): Promise<Response> {
    return await new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, response?: Response): void => {
        if (error !== null) return reject(error);
        if (response === undefined) return reject(new Error(`${path} answered nothing`));
        this.#saw(response);
        resolve(response);
      };
      const options = { deadline: Date.now() + CALL_TIMEOUT_MS };
      this.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        options,
        done,
      );
    });
  }

  /** Sends all requests, and gives all answers. */
  async bidi<Request, Response>(
    { path, requestSerialize, responseDeserialize }: BidiStreamMethod<Request, Response>,
    requests: readonly Request[],
    metadata: Metadata = new Metadata(),
  ): Promise<Response[]> {
    const options = { deadline: Date.now() + CALL_TIMEOUT_MS };
    const call = this.client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      metadata,
      options,
    );
    for (const request of requests) call.write(request);
    call.end();
    return (await call.toArray()) as Response[];
  }

  /** Gives all answers. */
  async serverStream<Request, Response>(
    { path, requestSerialize, responseDeserialize }: ServerStreamMethod<Request, Response>,
    request: Request,
  ): Promise<Response[]> {
    const options = { deadline: Date.now() + CALL_TIMEOUT_MS };
    const metadata = new Metadata();
    const call = this.client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      options,
    );
    return (await call.toArray()) as Response[];
  }

  close(): void {
    this.client.close();
  }

  #saw({ header }: Answer): void {
    const revision = header?.revision ?? 0n;
    if (revision > this.#revision) this.#revision = revision;
  }
}

/** Anything that has `path` is a call; those of one service are given to `unary` by name. */
export type AnyUnaryMethod = RpcMethod<object, Answer, false, false>;
