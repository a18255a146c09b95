import type { EtcdErrorCode } from "../errors/error-codes.ts";
import type { Outcome } from "../errors/etcd-error.ts";
import { channels } from "./channels.ts";
import type { CallMessage } from "./messages.ts";

/** Whether anybody wants to hear of calls. */
export function callsAreTraced(): boolean {
  // TracingChannel has a `hasSubscribers` of its own only from Node 22.
  const { start, end, asyncStart, asyncEnd, error } = channels.call;
  return (
    start.hasSubscribers ||
    end.hasSubscribers ||
    asyncStart.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    error.hasSubscribers
  );
}

/**
 * Runs a call under the tracing channel; `run` fills in the message as it goes. The answer is not handed to the channel:
 * there are keys and values in it.
 */
export async function traceCall<Response>(
  { name, kind }: { readonly name: string; readonly kind: CallMessage["kind"] },
  timeoutMs: number,
  run: (message: CallMessage) => Promise<Response>,
): Promise<Response> {
  const message: CallMessage = { rpc: name, kind, timeoutMs, attempts: 0, endpoint: undefined };
  const answer: { response?: Response } = {};
  await channels.call.tracePromise(async () => {
    answer.response = await run(message);
  }, message);
  return answer.response as Response;
}

/** Tells that a sending failed and another one follows. */
export function tellRetry(
  rpc: string,
  endpoint: string,
  attempt: number,
  failure: { readonly code: EtcdErrorCode; readonly outcome: Outcome; readonly details: string },
): void {
  if (!channels.retry.hasSubscribers) return;
  const { code, outcome, details: reason } = failure;
  channels.retry.publish({ rpc, endpoint, attempt, code, outcome, reason });
}
