import { Metadata, status } from "@grpc/grpc-js";
import { rpcs, ServingStatus } from "@quorumkit/proto";
import { onAbort } from "../util/abort.ts";
import { connected } from "./connected.ts";
import type { Endpoint } from "./endpoint.ts";

/** The health of the server as a whole; etcd knows no other. */
const WHOLE_SERVER = "";

/** These say that nothing answered. Any other status is an answer, if only "what is that?" of an old server or a proxy. */
const NOBODY_ANSWERED: ReadonlySet<status> = new Set([
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.CANCELLED,
  status.INTERNAL,
]);

export type Health = { readonly healthy: true } | { readonly healthy: false; readonly reason: string };

/**
 * Asks an endpoint for its health by `grpc.health.v1`, for which etcd wants no login. A member says NOT_SERVING while it
 * rewrites its database, where it was told to (`--experimental-stop-grpc-service-on-defrag`), and when it is about to stop.
 */
export async function checkHealth(
  endpoint: Endpoint,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Health> {
  const deadline = performance.now() + timeoutMs;
  const client = endpoint.calls;
  if (!(await connected(client, timeoutMs, [signal])) || signal.aborted)
    return unhealthy("no connection came up for a health check");
  const { path, requestSerialize, responseDeserialize } = rpcs.health.check;
  return new Promise((resolve) => {
    const call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { service: WHOLE_SERVER },
      new Metadata(),
      { deadline: Date.now() + Math.max(1, deadline - performance.now()) },
      (error, response) => {
        removeListener();
        if (error !== null && NOBODY_ANSWERED.has(error.code)) resolve(unhealthy(error.details));
        else if (response?.status === ServingStatus.NOT_SERVING)
          resolve(unhealthy("the server is not serving"));
        else resolve({ healthy: true });
      },
    );
    const removeListener = onAbort(signal, () => call.cancel());
  });
}

function unhealthy(reason: string): Health {
  return { healthy: false, reason };
}
