import { type CallOptions, EtcdError } from "@quorumkit/core";
import { CALL_OPTIONS, checkCallOptions, onAbort, refuseUnknown } from "@quorumkit/core/internal";

/** Longer timers overflow in Node and fire at once. */
export const MAX_TIMEOUT_MS: number = 2 ** 31 - 1;

/** Refuses options that are wrong. `extra` names what may stand beside the call options. */
export function checkOwnOptions(options: CallOptions, where: string, extra: readonly string[] = []): void {
  refuseUnknown(options, [...extra, ...CALL_OPTIONS], where);
  checkCallOptions(options);
}

export interface Bounds {
  /** What is waited for, for the message of an error. */
  readonly what: string;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
  /** Why it takes so long, as far as known: the cause of a `TIMEOUT`. */
  readonly lastError?: () => unknown;
}

/** Settles as `promise` does, or rejects with `ABORTED` or `TIMEOUT`; what is behind the promise goes on. */
export function bounded<T>(promise: Promise<T>, { what, signal, timeoutMs, lastError }: Bounds): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new EtcdError("TIMEOUT", `${what}: not done within ${timeoutMs} ms`, { cause: lastError?.() }));
    }, timeoutMs);
    const removeListener = onAbort(signal, (reason) => {
      reject(new EtcdError("ABORTED", `${what}: aborted`, { cause: reason }));
    });
    promise.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      removeListener();
    });
  });
}
