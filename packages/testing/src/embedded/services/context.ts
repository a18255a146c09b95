import type { Metadata, ServerDuplexStream, ServerWritableStream } from "@grpc/grpc-js";
import type { ServiceMethod } from "@quorumkit/proto";
import type { KvAccess } from "../kv/access.ts";
import type { EmbeddedState, MemberView } from "../state.ts";

/** What a handler knows of the call it answers. */
export interface CallContext {
  /** The cluster as the asked member sees it: of a member that is cut off, as it was at the cut. */
  readonly state: EmbeddedState;
  /** The member that was asked. */
  readonly member: MemberView;
  readonly metadata: Metadata;
  /**
   * Aborted when nobody waits for an answer any more: the client is gone, or the call was ended from this side. Of a unary
   * call, the reason is a StatusError when the member stops.
   */
  readonly signal: AbortSignal;
  /**
   * What the caller may do with keys, from the token in the metadata, looked up anew at every read; `undefined` while
   * authentication is off.
   * @throws StatusError for a token that is not (any more) good, as etcd words it.
   */
  readonly access: KvAccess | undefined;
}

/** Answers one request. What it throws becomes the call's status; a header that is missing in the answer is filled in. */
export type UnaryWork<Request, Response> = (
  request: Request,
  context: CallContext,
) => Response | Promise<Response>;

/** Answers one request with a stream; ends it with `call.end()`, or with `call.emit("error", statusError)`. */
export type ServerStreamWork<Request, Response> = (
  call: ServerWritableStream<Request, Response>,
  context: CallContext,
) => void | Promise<void>;

/** Serves a stream in both directions; what was opened for it is given up when `context.signal` is aborted. */
export type BidiWork<Request, Response> = (
  call: ServerDuplexStream<Request, Response>,
  context: CallContext,
) => void | Promise<void>;

/** The work behind one method. */
export type MethodWork<Method> =
  Method extends ServiceMethod<infer Request, infer Response, infer RequestStream, infer ResponseStream>
    ? RequestStream extends true
      ? BidiWork<Request, Response>
      : ResponseStream extends true
        ? ServerStreamWork<Request, Response>
        : UnaryWork<Request, Response>
    : never;

/** The work behind a whole service, such as `ServiceWork<Services["kv"]>`; a method that is left out is UNIMPLEMENTED. */
export type ServiceWork<Service> = { readonly [name in keyof Service]?: MethodWork<Service[name]> };
