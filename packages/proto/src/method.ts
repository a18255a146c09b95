import type {
  MethodDefinition,
  handleBidiStreamingCall,
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
} from "@grpc/grpc-js";

/**
 * One RPC as a client needs it: what goes out is an `…Input`, what comes in is a decoded message.
 * The two functions depend on nothing else, so a caller may use others in their place.
 */
export interface RpcMethod<
  RequestInput,
  Response,
  RequestStream extends boolean = boolean,
  ResponseStream extends boolean = boolean,
> extends Pick<MethodDefinition<RequestInput, Response>, "requestSerialize" | "responseDeserialize"> {
  /** For example `/etcdserverpb.KV/Range`. */
  readonly path: string;
  /** Name of the RPC as a property of {@link Rpcs}, for example `range`. */
  readonly originalName: string;
  readonly requestStream: RequestStream;
  readonly responseStream: ResponseStream;
}

/** One request, one answer. */
export type UnaryMethod<RequestInput, Response> = RpcMethod<RequestInput, Response, false, false>;
/** One request, many answers. */
export type ServerStreamMethod<RequestInput, Response> = RpcMethod<RequestInput, Response, false, true>;
/** Many requests and many answers. */
export type BidiStreamMethod<RequestInput, Response> = RpcMethod<RequestInput, Response, true, true>;

/** One RPC as a server needs it: what comes in is a decoded message, what goes out is an `…Input`. */
export interface ServiceMethod<
  Request,
  ResponseInput,
  RequestStream extends boolean = boolean,
  ResponseStream extends boolean = boolean,
> extends MethodDefinition<Request, ResponseInput> {
  readonly originalName: string;
  readonly requestStream: RequestStream;
  readonly responseStream: ResponseStream;
}

/** The handler grpc-js wants for one method of a service. */
export type MethodHandler<Method> =
  Method extends ServiceMethod<infer Request, infer ResponseInput, infer RequestStream, infer ResponseStream>
    ? RequestStream extends true
      ? ResponseStream extends true
        ? handleBidiStreamingCall<Request, ResponseInput>
        : handleClientStreamingCall<Request, ResponseInput>
      : ResponseStream extends true
        ? handleServerStreamingCall<Request, ResponseInput>
        : handleUnaryCall<Request, ResponseInput>
    : never;

/** All handlers of a service, for `server.addService(services.kv, handlers)`. */
export type ServiceHandlers<Service> = { readonly [name in keyof Service]: MethodHandler<Service[name]> };
