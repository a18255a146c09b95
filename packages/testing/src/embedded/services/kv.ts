import { once } from "node:events";
import type { ServerWritableStream } from "@grpc/grpc-js";
import type { RangeRequest, RangeStreamResponseInput, Services } from "@quorumkit/proto";
import type { CallContext, ServiceWork } from "./context.ts";
import { openEndOfRange, openEndsOfTxn } from "./open-ends.ts";

/** The work behind etcd's KV service. That only root may compact is seen to before it. */
export function kvHandlers(): ServiceWork<Services["kv"]> {
  return {
    range: (request, context) => {
      const { kv } = context.state;
      return kv.range(kv.rules.opensEmptyEnds ? openEndOfRange(request) : request, context);
    },
    rangeStream: streamRange,
    put: (request, context) => context.state.kv.put(request, context),
    deleteRange: (request, context) => context.state.kv.deleteRange(request, context),
    txn: (request, context) => {
      const { kv } = context.state;
      return kv.txn(kv.rules.opensEmptyEnds ? openEndsOfTxn(request) : request, context);
    },
    compact: (request, { state }) => state.kv.compact(request),
  };
}

async function streamRange(
  call: ServerWritableStream<RangeRequest, RangeStreamResponseInput>,
  context: CallContext,
): Promise<void> {
  const { signal, state, member } = context;
  for (const piece of state.kv.rangeStream(call.request, context)) {
    if (signal.aborted) return;
    const { header } = piece;
    const rangeResponse = header ? { ...piece, header: state.header(member, header.revision) } : piece;
    if (!call.write({ rangeResponse })) await roomIn(call, signal);
  }
  call.end();
}

async function roomIn(call: ServerWritableStream<RangeRequest, unknown>, signal: AbortSignal): Promise<void> {
  try {
    await once(call, "drain", { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
