import { setMaxListeners } from "node:events";

/** Calls `listener` when `signal` aborts, at once if it has already; the result removes the listener. */
export function onAbort(signal: AbortSignal | undefined, listener: (reason: unknown) => void): () => void {
  if (signal === undefined) return noop;
  if (signal.aborted) {
    listener(signal.reason);
    return noop;
  }
  // One signal for many calls is how signals are meant; Node would warn of a leak at the eleventh.
  setMaxListeners(Infinity, signal);
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

/**
 * Waits `ms`, or until one of the signals aborts. Never rejects: the caller looks at its signals itself. Takes several
 * because `AbortSignal.any` leaves something behind on a long-lived signal each time (nodejs/node#54614).
 */
export async function pause(ms: number, ...signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  if (signals.some((signal) => signal?.aborted === true)) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(end, ms);
    const removers = signals.map((signal) => onAbort(signal, end));
    function end(): void {
      clearTimeout(timer);
      for (const remove of removers) remove();
      resolve();
    }
  });
}

/** Settles as `promise` does, or resolves to undefined when `ms` are over, or one of the signals aborts, before that. */
export async function within<T>(
  promise: Promise<T>,
  ms: number,
  ...signals: readonly (AbortSignal | undefined)[]
): Promise<T | undefined> {
  const settled = new AbortController();
  try {
    return await Promise.race([promise, pause(ms, settled.signal, ...signals).then(() => undefined)]);
  } finally {
    settled.abort();
  }
}

function noop(): void {}
