import type PQueue from "p-queue";
import { pause } from "../util/abort.ts";
import { deferred } from "../util/deferred.ts";

export interface Turn {
  /** What is left of the time there was; 0 or less when it was up before the turn came. */
  readonly remainingMs: number;
  /** Lets the next one in. To be called in any case. */
  end(): void;
}

/** Waits for a place among those the queue runs at once, but not beyond `limitMs` or an abort of one of the signals. */
export async function takeTurn(
  queue: PQueue,
  limitMs: number,
  signals: readonly (AbortSignal | undefined)[],
): Promise<Turn> {
  const deadline = performance.now() + limitMs;
  const ended = deferred<void>();
  const came = new AbortController();
  void queue.add(async () => {
    came.abort();
    await ended.promise;
  });
  // One that is free is taken at once, without a timer.
  if (!came.signal.aborted) await pause(limitMs, came.signal, ...signals);
  // A timer may fire a moment before its time: that a turn has come is not to be read off the clock.
  const timedOut = [came.signal, ...signals].every((signal) => signal?.aborted !== true);
  return { remainingMs: timedOut ? 0 : deadline - performance.now(), end: () => ended.resolve() };
}
