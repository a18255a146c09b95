import { EtcdError } from "../errors/etcd-error.ts";
import type { Connection } from "../transport/connection.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { fairShareMs } from "../transport/fair-share.ts";
import * as rpcs from "../transport/rpcs.ts";
import { onAbort, raceAbort } from "../util/abort.ts";
import { systemClock } from "../util/clock.ts";
import { deferred } from "../util/deferred.ts";

/** An answered renewal. */
export interface Renewed {
  /** 0 for a lease that is gone. */
  readonly ttlSeconds: number;
  /** When the renewal that was answered was sent, on the deadline clock. */
  readonly sentAt: number;
}

type Answer = { readonly ttlSeconds: number } | { readonly error: EtcdError; readonly temporary: boolean };

const NAME = "LeaseKeepAlive";

/**
 * Sends one renewal on a stream of its own and gives what was answered. Renewing is idempotent, so a stream that breaks is
 * followed by another until the deadline.
 */
export async function keepAliveOnce(
  connection: Connection,
  id: bigint,
  { signal, timeoutMs }: { readonly signal: AbortSignal | undefined; readonly timeoutMs: number },
): Promise<Renewed> {
  // One controller for all that can end it, released at the end: AbortSignal.any would stay with the long-lived signals.
  const limit = new AbortController();
  const deadline = performance.now() + timeoutMs;
  const timer = setTimeout(() => limit.abort(), timeoutMs);
  const removers = [signal, connection.closing].map((each) => onAbort(each, () => limit.abort()));
  let last: EtcdError | undefined;
  try {
    let avoid: Endpoint | undefined;
    while (!limit.signal.aborted) {
      const answer = deferred<Answer>();
      const stream = await connection.openStream(
        rpcs.leaseKeepAlive,
        {
          onMessage: ({ TTL }) => answer.resolve({ ttlSeconds: Number(TTL) }),
          onEnd: (error, temporary) => answer.resolve({ error, temporary }),
        },
        { avoid, signal: limit.signal },
      );
      if (stream === undefined) break;
      const { endpoint } = stream;
      const leftMs = deadline - performance.now();
      const shareMs = fairShareMs(leftMs, endpoint, connection.endpoints, { first: avoid === undefined });
      avoid = endpoint;
      // A member that hangs says nothing, while others work.
      const patience = setTimeout(() => {
        stream.abandon("a lease renewal got no answer");
        const error = new EtcdError("TIMEOUT", `${NAME} got no answer from ${endpoint.url} in time`);
        answer.resolve({ error, temporary: true });
      }, shareMs);
      try {
        const sentAt = systemClock.now();
        stream.send({ ID: id });
        const result = await raceAbort(answer.promise, limit.signal);
        if ("ttlSeconds" in result) return { ttlSeconds: result.ttlSeconds, sentAt };
        if (!result.temporary) throw result.error;
        last = result.error;
      } catch (error) {
        if (!limit.signal.aborted) throw error;
      } finally {
        clearTimeout(patience);
        stream.cancel();
      }
    }
  } finally {
    clearTimeout(timer);
    for (const remove of removers) remove();
  }
  if (signal?.aborted === true)
    throw new EtcdError("ABORTED", `${NAME} was aborted by the caller`, { cause: signal.reason });
  if (connection.closing.aborted) throw new EtcdError("CLOSED", "the client is closed");
  throw new EtcdError(last?.code ?? "TIMEOUT", `${NAME} got no answer within ${timeoutMs} ms`, {
    cause: last,
  });
}
