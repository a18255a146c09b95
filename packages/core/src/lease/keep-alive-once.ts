import { EtcdError } from "../errors/etcd-error.ts";
import type { Connection } from "../transport/connection.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import * as rpcs from "../transport/rpcs.ts";
import { raceAbort } from "../util/abort.ts";
import { deferred } from "../util/deferred.ts";

/**
 * Sends one renewal on a stream of its own and gives the TTL in the answer, 0 for a lease that is gone. Renewing is
 * idempotent, so a stream that breaks is followed by another until the deadline.
 */
export async function keepAliveOnce(
  connection: Connection,
  id: bigint,
  { signal, timeoutMs }: { readonly signal: AbortSignal | undefined; readonly timeoutMs: number },
): Promise<number> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const limit = AbortSignal.any([timeout, connection.closing, ...(signal === undefined ? [] : [signal])]);
  let avoid: Endpoint | undefined;
  let last: EtcdError | undefined;
  while (!limit.aborted) {
    const answer = deferred<bigint | EtcdError>();
    const stream = await connection.openStream(
      rpcs.leaseKeepAlive,
      { onMessage: ({ TTL }) => answer.resolve(TTL), onEnd: (error) => answer.resolve(error) },
      { avoid, signal: limit },
    );
    if (stream === undefined) break;
    avoid = stream.endpoint;
    try {
      stream.send({ ID: id });
      const result = await raceAbort(answer.promise, limit);
      if (typeof result === "bigint") return Number(result);
      last = result;
    } catch {
      // the limit was reached; told below
    } finally {
      stream.cancel();
    }
  }
  const name = "LeaseKeepAlive";
  if (signal?.aborted === true)
    throw new EtcdError("ABORTED", `${name} was aborted by the caller`, { cause: signal.reason });
  if (connection.closing.aborted) throw new EtcdError("CLOSED", "the client is closed");
  throw new EtcdError(last?.code ?? "TIMEOUT", `${name} got no answer within ${timeoutMs} ms`, {
    cause: last,
  });
}
