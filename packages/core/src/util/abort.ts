import { setTimeout as delay } from "node:timers/promises";

/** Calls `listener` when `signal` aborts, at once if it has already; the result removes the listener. */
export function onAbort(signal: AbortSignal | undefined, listener: (reason: unknown) => void): () => void {
  if (signal === undefined) return noop;
  if (signal.aborted) {
    listener(signal.reason);
    return noop;
  }
  const onEvent = (): void => listener(signal.reason);
  signal.addEventListener("abort", onEvent, { once: true });
  return () => signal.removeEventListener("abort", onEvent);
}

/** Settles as `promise` does, or rejects with the signal's reason if that aborts first. */
export async function raceAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const remove = onAbort(signal, reject);
    promise.then(resolve, reject).finally(remove);
  });
}

/** Waits `ms`, or until `signal` aborts. Never rejects: the caller looks at its signal itself. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  } catch {
    // aborted: the wait is over
  }
}

function noop(): void {}
