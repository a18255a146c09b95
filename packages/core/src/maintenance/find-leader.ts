import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import { headerOf } from "../kv/header.ts";
import type { CallOptions } from "../transport/call-options.ts";
import { notBegun } from "../transport/client-identity.ts";
import type { Connection } from "../transport/connection.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import * as rpcs from "../transport/rpcs.ts";
import { onAbort } from "../util/abort.ts";

/** The endpoint of the member that says it leads. Asks all at once, so that one that hangs holds up nobody. */
export async function findLeader(
  connection: Connection,
  { signal, timeoutMs }: CallOptions,
): Promise<Endpoint> {
  const others = new AbortController();
  const removeListener = onAbort(signal, (reason) => others.abort(reason));
  try {
    return await Promise.any(
      connection.endpoints.map(async (endpoint) => {
        const options = { signal: others.signal, timeoutMs, endpoint };
        const status = await connection.unary(rpcs.status, {}, options);
        if (status.leader !== headerOf(status).memberId) throw new Error(`${endpoint.url} does not lead`);
        return endpoint;
      }),
    );
  } catch (error) {
    if (signal?.aborted === true)
      throw new EtcdError("ABORTED", "MoveLeader was aborted by the caller", { cause: signal.reason });
    if (connection.closing.aborted) throw new EtcdError("CLOSED", "the client is closed");
    const errors: readonly Error[] = (error as AggregateError).errors;
    const refused = errors.find((each) => isEtcdError(each, "PERMISSION_DENIED", "UNAUTHENTICATED"));
    if (refused !== undefined) throw notBegun("MoveLeader", EtcdError.from(refused), "notApplied");
    const reasons = errors.map(({ message }) => message).join("; ");
    throw new EtcdError("FAILED_PRECONDITION", `no endpoint is the leader's (${reasons})`, {
      outcome: "notApplied",
      cause: error,
    });
  } finally {
    removeListener();
    others.abort();
  }
}
