import { type Bytes, type CallOptions, type HeldLock, isEtcdError } from "@quorumkit/core";
import { backoffMs, isPassing, pause, Scope } from "@quorumkit/core/internal";
import { Leadership } from "./leadership.ts";

export interface RunOptions {
  /** Ends it all: the function is told through `leadership.signal` and awaited, the leadership resigned, and `run` resolves. */
  readonly signal?: AbortSignal | undefined;
  /** What observers see. @default host name and process id */
  readonly value?: Bytes | undefined;
  /**
   * Told of every error after which the run goes on: what the function threw, and what kept it from queuing.
   *
   * @default `process.emitWarning`
   */
  readonly onError?: ((error: unknown) => void) | undefined;
}

export type LeaderFunction = (leadership: Leadership) => Promise<void> | void;

export interface RunParts {
  readonly what: string;
  readonly value: Bytes;
  readonly signal: AbortSignal;
  readonly fn: LeaderFunction;
  readonly onError: (error: unknown) => void;
  readonly campaign: (signal: AbortSignal) => Promise<HeldLock>;
  readonly resign: (held: HeldLock, options?: CallOptions) => Promise<void>;
}

/** Between two terms: about a second, and longer with every failure, so that a broken function does not flood etcd. */
const REST = { initialMs: 1_000, maxMs: 30_000 };

/** Term after term until the signal aborts, each: elected, the function runs and settles, resigned. In this order, always. */
export async function runTerms(parts: RunParts): Promise<void> {
  const { signal, campaign, resign, onError } = parts;
  let failures = 0;
  let unresigned: HeldLock | undefined;
  while (!signal.aborted) {
    let held: HeldLock;
    try {
      // As long as its key is there, a session of the caller's has no place for another one.
      if (unresigned !== undefined) await resign(unresigned);
      unresigned = undefined;
      held = await campaign(signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!isPassing(error)) throw error;
      onError(error);
      await pause(backoffMs(failures++, REST), signal);
      continue;
    }
    try {
      const failed = await runTerm(parts, held);
      failures = failed ? failures + 1 : 0;
    } finally {
      await resign(held).catch((error: unknown) => {
        unresigned = held;
        onError(error);
      });
    }
    await pause(backoffMs(failures, REST), signal);
  }
}

/** Whether the function failed; what it throws because it was told to stop is no failure. */
async function runTerm(parts: RunParts, held: HeldLock): Promise<boolean> {
  const { what, value, signal, fn, onError, resign } = parts;
  // Lost before it began: there is nothing to start.
  if (!held.held) return false;
  const scope = new Scope([held.signal, signal], { what });
  const term = {
    signal: scope.signal,
    resign: async (options: CallOptions): Promise<void> => resign(held, options),
  };
  try {
    await fn(new Leadership(held, value, term));
    return false;
  } catch (error) {
    if (scope.signal.aborted && isConsequence(error, scope.signal)) return false;
    onError(error);
    return true;
  } finally {
    scope.close();
  }
}

function isConsequence(error: unknown, signal: AbortSignal): boolean {
  if (error === signal.reason || isEtcdError(error, "ABORTED", "NOT_OWNER")) return true;
  return error instanceof Error && error.name === "AbortError";
}
