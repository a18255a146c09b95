import type { ResponseHeader } from "@quorumkit/proto";
import type { OpenStreamOptions, UnaryOptions } from "../transport/connection.ts";
import { ForwardingConnection } from "../transport/forwarding-connection.ts";
import type { RpcStream, StreamHandlers } from "../transport/rpc-stream.ts";
import type { StreamRpc, UnaryRpc } from "../transport/rpcs.ts";

/** The service whose reads are of a revision. */
const KV = "/etcdserverpb.KV/";

/**
 * A connection whose reads never go back: it knows the newest revision that came through it, and a read that began
 * after that is not answered with an older one. Only reads are asked again; a write was applied, however old its answer
 * (sending it again is what Go's `client/v3/ordering` does, etcd#22086).
 */
export class OrderedConnection extends ForwardingConnection {
  #seen = 0n;

  override async unary<Request, Response>(
    rpc: UnaryRpc<Request, Response>,
    request: Request,
    options: UnaryOptions = {},
  ): Promise<Response> {
    const read = rpc.kind === "read" && rpc.method.path.startsWith(KV);
    // What it is when the call begins: of reads at the same time, either may be answered first.
    const since = this.#seen;
    const response = await this.outer.unary(rpc, request, read ? { ...options, since } : options);
    this.#note(response);
    return response;
  }

  override openStream<Request, Response>(
    rpc: StreamRpc<Request, Response>,
    handlers: StreamHandlers<Response>,
    options?: OpenStreamOptions,
  ): Promise<RpcStream<Request, Response> | undefined> {
    const noting: StreamHandlers<Response> = {
      onMessage: (message) => {
        this.#note(message);
        handlers.onMessage(message);
      },
      onEnd: (error, temporary) => handlers.onEnd(error, temporary),
    };
    return this.outer.openStream(rpc, noting, options);
  }

  #note(answer: unknown): void {
    const { header } = answer as { readonly header?: ResponseHeader | null };
    if (header && header.revision > this.#seen) this.#seen = header.revision;
  }
}
