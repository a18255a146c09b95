import { type Client, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { onAbort } from "../util/abort.ts";
import type { UnaryRpc } from "./rpcs.ts";
import { unaryCall } from "./unary-call.ts";

/**
 * One question of the client's own, over a channel that is up. No sign that the client is in use, and no answer counts for
 * anything but itself.
 */
export async function ask<Request, Response>(
  client: Client,
  method: UnaryRpc<Request, Response>["method"],
  request: Request,
  options: {
    readonly metadata?: Metadata;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  },
): Promise<Response | ServiceError> {
  const { metadata = new Metadata(), timeoutMs, signal } = options;
  return new Promise<Response | ServiceError>((resolve) => {
    const call = unaryCall(client, method, request, { metadata, timeoutMs }, (...[error, response]) => {
      removeListener();
      resolve(error ?? response);
    });
    const removeListener = onAbort(signal, () => call.cancel());
  }).catch(gone);
}

/** grpc-js throws where the channel was closed meanwhile. */
function gone(cause: unknown): ServiceError {
  const details = "the channel was closed";
  return Object.assign(new Error(details, { cause }), {
    code: status.UNAVAILABLE,
    details,
    metadata: new Metadata(),
  });
}
