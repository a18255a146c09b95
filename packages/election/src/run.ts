import { type Bytes, type HeldLock, isEtcdError } from "@quorumkit/core";
import { backoffMs, pause, Scope } from "@quorumkit/core/internal";
import { PASSING } from "./campaign.ts";
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
}

/** Between two terms: about a second, and longer with every failure, so that a broken function does not flood etcd. */
const REST = { initialMs: 1_000, maxMs: 30_000 };

/** Term after term until the signal aborts, each: elected, the function runs and settles, resigned. In this order, always. */
export async function runTerms(parts: RunParts): Promise<void> {
  const { signal, campaign, onError } = parts;
  let failures = 0;
  while (!signal.aborted) {
    let held: HeldLock;
    try {
      held = await campaign(signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!isEtcdError(error, ...PASSING)) throw error;
      onError(error);
      await pause(backoffMs(failures++, REST), signal);
      continue;
    }
    try {
      const failed = await runTerm(parts, held);
      failures = failed ? failures + 1 : 0;
    } finally {
      await held.release().catch(onError);
    }
    await pause(backoffMs(failures, REST), signal);
  }
}

/** Whether the function failed; what it throws because it was told to stop is no failure. */
async function runTerm({ what, value, signal, fn, onError }: RunParts, held: HeldLock): Promise<boolean> {
  // Lost before it began: there is nothing to start.
  if (!held.held) return false;
  const term = new Scope([held.signal, signal], { what });
  try {
    await fn(new Leadership(held, value, term.signal));
    return false;
  } catch (error) {
    if (term.signal.aborted && isConsequence(error, term.signal)) return false;
    onError(error);
    return true;
  } finally {
    term.close();
  }
}

function isConsequence(error: unknown, signal: AbortSignal): boolean {
  if (error === signal.reason || isEtcdError(error, "ABORTED", "NOT_OWNER")) return true;
  return error instanceof Error && error.name === "AbortError";
}
