import { type Client, connectivityState } from "@grpc/grpc-js";
import { onAbort } from "../util/abort.ts";

/**
 * No longer than this is waited for one connection, however long the call may take: by then it is another endpoint's turn,
 * and time to say that this one fails.
 */
const CONNECT_MS = 5_000;

/**
 * Waits until a channel is up, or has failed to come up and will tell the call why. False when neither happened within
 * `ms`, or 5 s, when the channel was closed, or a signal aborted. A call that waited here and not in the channel's queue
 * provably never left.
 */
export async function connected(
  client: Client,
  ms: number,
  signals: readonly (AbortSignal | undefined)[],
): Promise<boolean> {
  const channel = client.getChannel();
  const deadline = performance.now() + Math.min(ms, CONNECT_MS);
  for (;;) {
    const state = channel.getConnectivityState(false);
    // It was replaced while this waited.
    if (state === connectivityState.SHUTDOWN) return false;
    if (state !== connectivityState.IDLE && state !== connectivityState.CONNECTING) return true;
    const remainingMs = deadline - performance.now();
    if (remainingMs <= 0 || signals.some((signal) => signal?.aborted === true)) return false;
    channel.getConnectivityState(true);
    const changed = await new Promise<boolean>((resolve) => {
      const removers = signals.map((signal) => onAbort(signal, () => resolve(false)));
      // The wall-clock deadline becomes a timer at once; a later jump of the clock does not move it.
      channel.watchConnectivityState(state, Date.now() + Math.ceil(remainingMs), (late) => {
        for (const remove of removers) remove();
        resolve(late === undefined);
      });
    });
    if (!changed) return false;
  }
}
