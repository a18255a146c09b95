import { EtcdError } from "../errors/etcd-error.ts";
import { refuseUnknown } from "../util/validate.ts";
import { CALL_OPTIONS, type CallOptions, checkCallOptions } from "./call-options.ts";

/**
 * Shares one deadline among the calls of an operation: each call of the result gives what is left. Not a signal, which
 * would hide what is known of a write that it ends.
 *
 * @throws TypeError for wrong options.
 */
export function callBudget(
  { timeoutMs }: { readonly timeoutMs: number },
  options: CallOptions,
  what: string,
): () => CallOptions {
  refuseUnknown(options, CALL_OPTIONS, what);
  checkCallOptions(options);
  const { signal } = options;
  const limitMs = options.timeoutMs ?? timeoutMs;
  const deadline = performance.now() + limitMs;
  return () => {
    const left = deadline - performance.now();
    if (left >= 1) return { signal, timeoutMs: left };
    throw new EtcdError("TIMEOUT", `${what}: not done within ${limitMs} ms`, { outcome: "notApplied" });
  };
}
