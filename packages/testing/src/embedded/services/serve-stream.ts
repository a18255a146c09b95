import type {
  ServerDuplexStream,
  ServerWritableStream,
  handleBidiStreamingCall,
  handleServerStreamingCall,
} from "@grpc/grpc-js";
import { AuthCall } from "../auth/auth-call.ts";
import { StatusError, errors } from "../errors.ts";
import { OpenStream } from "../faults/open-stream.ts";
import { accessOf } from "./call.ts";
import type { BidiWork, CallContext, ServerStreamWork } from "./context.ts";
import type { Host, ServedCall } from "./host.ts";
import { lateError, needsLeader } from "./needs-leader.ts";
import { requirementOf } from "./requirement-of.ts";
import { toServiceError } from "./serve-unary.ts";
import { TooLarge } from "./too-large.ts";
import { wantsLeader } from "./wants-leader.ts";

type DuplexCall = ServerDuplexStream<object, object>;
type WritableCall = ServerWritableStream<object, object>;
type StreamWork = BidiWork<object, object> | ServerStreamWork<object, object>;

/** The handler for a method that answers with a stream. */
export function serveStream(
  served: ServedCall,
  work: StreamWork,
  requestStream: boolean,
  host: Host,
): handleBidiStreamingCall<object, object> | handleServerStreamingCall<object, object> {
  return (call: DuplexCall | WritableCall) => {
    const stream = host.addStream((id) => new OpenStream(call, served.path, host.view.name, id));
    open(call, stream).catch((error: unknown) => {
      const { code, details } = toServiceError(error);
      stream.end(new StatusError(code ?? 2, details ?? ""));
    });
  };

  async function open(call: DuplexCall | WritableCall, stream: OpenStream): Promise<void> {
    const faults = host.faults.meet(served.path, host.view.name);
    if (faults?.failure !== undefined) throw faults.failure;
    if (!host.hasLeader && wantsLeader(stream.metadata)) throw errors.noLeader();
    const context = streamContext(stream, host);
    // Whoever serves requests that come one by one looks at each of them.
    if (!requestStream) {
      const { request } = call as WritableCall;
      if (request instanceof TooLarge) throw request.error;
      if (!host.hasLeader && needsLeader(served.path, request)) {
        await host.leader(stream.signal, () => lateError(served.path, request));
      }
      if (stream.signal.aborted) return;
      requirementOf(served)?.(new AuthCall(context), request);
    }
    await (work as BidiWork<object, object>)(call as DuplexCall, context);
  }
}

function streamContext(stream: OpenStream, host: Host): CallContext {
  return {
    // Not the frozen one: a stream may outlive the time without a leader.
    state: host.liveState,
    member: host.view,
    metadata: stream.metadata,
    signal: stream.signal,
    get access() {
      return accessOf(this);
    },
  };
}
