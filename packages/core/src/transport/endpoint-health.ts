import { type Client, status } from "@grpc/grpc-js";
import { rpcs, ServingStatus } from "@quorumkit/proto";
import { ask } from "./ask.ts";
import { connected } from "./connected.ts";

/** The health of the server as a whole; etcd knows no other. */
const WHOLE_SERVER = "";

/** These say that nothing answered. Any other status is an answer, if only "what is that?" of an old server or a proxy. */
const NOBODY_ANSWERED: ReadonlySet<status> = new Set([
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.CANCELLED,
  status.INTERNAL,
]);

export type Health =
  | { readonly healthy: true }
  | {
      readonly healthy: false;
      readonly reason: string;
      /** It said so itself. */
      readonly answered: boolean;
    };

/**
 * Asks for the health of the server at the other end of a channel by `grpc.health.v1`, for which etcd wants no login. A member says NOT_SERVING while it
 * rewrites its database, where it was told to (`--experimental-stop-grpc-service-on-defrag`), and when it is about to stop.
 */
export async function checkHealth(
  client: Client,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Health> {
  const deadline = performance.now() + timeoutMs;
  if (!(await connected(client, timeoutMs, [signal])) || signal.aborted)
    return unhealthy("no connection came up for a health check");
  const answer = await ask(
    client,
    rpcs.health.check,
    { service: WHOLE_SERVER },
    { timeoutMs: deadline - performance.now(), signal },
  );
  if (answer instanceof Error) {
    return NOBODY_ANSWERED.has(answer.code) ? unhealthy(answer.details) : { healthy: true };
  }
  return answer.status === ServingStatus.NOT_SERVING
    ? { healthy: false, reason: "the server is not serving", answered: true }
    : { healthy: true };
}

function unhealthy(reason: string): Health {
  return { healthy: false, reason, answered: false };
}
