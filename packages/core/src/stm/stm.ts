import { EtcdError, isEtcdError } from "../errors/etcd-error.ts";
import { printable } from "../kv/printable.ts";
import { Scope } from "../util/scope.ts";
import {
  CALL_OPTIONS,
  type CallOptions,
  checkCallOptions,
  timeoutOption,
} from "../transport/call-options.ts";
import { pause, raceAbort } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import { describe, numberOption, refuseUnknown } from "../util/validate.ts";
import { commit, type CommitResult } from "./commit.ts";
import { type Isolation, isolationOption, type IsolationRules } from "./isolation.ts";
import { Attempt, type Prefetched, type StmClient, type StmTransaction } from "./transaction.ts";

export interface StmOptions extends CallOptions {
  /**
   * How far the transaction is kept apart from others:
   * - `serializableSnapshot`: reads are of one revision; it commits if no key it read or writes has changed since.
   * - `serializable`: reads are of one revision; it commits if no key it read has changed. Keys written without having
   *   been read are overwritten.
   * - `repeatableReads`: each read may be of another revision, so the function can see a state that never was, but it
   *   commits only if no key it read has changed.
   * - `readCommitted`: commits whatever happened meanwhile. Updates can be lost.
   *
   * @default "serializableSnapshot"
   */
  readonly isolation?: Isolation | undefined;
  /** Gives up with `CONFLICT` after the function has run so often. @default as often as `timeoutMs` allows */
  readonly maxAttempts?: number | undefined;
}

export interface StmResult<T> {
  /** What the function returned in the run that was committed. */
  readonly result: T;
  /** Of the commit. Where nothing was written, the revision that was read, 0n when nothing was. */
  readonly revision: bigint;
  /** How often the function ran. */
  readonly attempts: number;
}

const BACKOFF = { initialMs: 4, maxMs: 250 };

interface Plan {
  readonly client: StmClient;
  readonly rules: IsolationRules;
  readonly maxAttempts: number;
}

/**
 * Runs `fn` and commits what it wrote, again and again until nothing came between; see `EtcdClient.stm`.
 *
 * The first repetition follows at once, with the values that came with the refusal. If that fails as well there is a crowd,
 * so later ones wait a random while first, and then read anew, for what is known by then is old.
 */
export async function stm<T>(
  client: StmClient,
  fn: (tx: StmTransaction) => Promise<T> | T,
  options: StmOptions = {},
): Promise<StmResult<T>> {
  if (typeof fn !== "function") throw new TypeError(`stm takes a function, received ${describe(fn)}`);
  refuseUnknown(options, ["isolation", "maxAttempts", ...CALL_OPTIONS], "stm");
  checkCallOptions(options);
  const rules = isolationOption(options.isolation);
  const { maxAttempts: limit } = options;
  const maxAttempts = numberOption(limit, "maxAttempts", { min: 1, integer: true, fallback: Infinity });
  const timeoutMs = timeoutOption(options.timeoutMs, client.timeoutMs);
  const scope = new Scope([options.signal], { what: "stm", timeoutMs });
  try {
    return await repeat({ client, rules, maxAttempts }, fn, scope.signal);
  } catch (error) {
    if (!scope.signal.aborted) throw error;
    throw stopped(scope.signal.reason, error);
  } finally {
    scope.close();
  }
}

async function repeat<T>(
  { client, rules, maxAttempts }: Plan,
  fn: (tx: StmTransaction) => Promise<T> | T,
  signal: AbortSignal,
): Promise<StmResult<T>> {
  let prefetched: Prefetched | undefined;
  for (let attempts = 1; ; attempts += 1) {
    if (signal.aborted) throw signal.reason;
    const attempt = new Attempt({ client, rules, signal, prefetched, again: attempts > 1 });
    const done = await run(attempt, fn);
    let committed: CommitResult | undefined;
    if (done !== "outdated") {
      committed = await commit(client, rules, attempt);
      if (committed.committed)
        return printable({ result: done.result, revision: committed.revision, attempts });
    }
    if (attempts >= maxAttempts) throw conflict(attempts);
    prefetched = attempts === 1 && committed?.committed === false ? committed : undefined;
    if (attempts > 1) await pause(backoffMs(attempts - 2, BACKOFF), signal);
  }
}

async function run<T>(
  attempt: Attempt,
  fn: (tx: StmTransaction) => Promise<T> | T,
): Promise<{ readonly result: T } | "outdated"> {
  try {
    const result = await raceAbort((async () => fn(attempt))(), attempt.signal);
    return attempt.outdated ? "outdated" : { result };
  } catch (error) {
    if (attempt.outdated && !attempt.signal.aborted) return "outdated";
    throw error;
  } finally {
    attempt.end();
  }
}

function conflict(attempts: number): EtcdError {
  return new EtcdError("CONFLICT", `others changed what the transaction depends on, ${attempts} times`, {
    outcome: "notApplied",
  });
}

/** Why it was stopped, and whether that was in the middle of a commit. */
function stopped(reason: unknown, error: unknown): EtcdError {
  const { code, message, cause } = EtcdError.from(reason);
  const outcome = isEtcdError(error) && error.outcome === "unknown" ? "unknown" : "notApplied";
  return new EtcdError(code, message.slice(`${code}: `.length), { cause, outcome });
}
