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

/** Runs a call under the tracing channel. The answer is not handed to it: there are keys and values in it. */
export async function traceCall<Response>(
  message: CallMessage,
  run: () => Promise<Response>,
): Promise<Response> {
  const answer: { response?: Response } = {};
  await channels.call.tracePromise(async () => {
    answer.response = await run();
  }, message);
  return answer.response as Response;
}
