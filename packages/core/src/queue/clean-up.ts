import { isEtcdError } from "../errors/etcd-error.ts";
import type { Session } from "../lease/session.ts";
import type { CallOptions } from "../transport/call-options.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import { settleWithin } from "./settle-within.ts";

/** The caller waits this long for a clean-up; what it takes beyond that goes on behind its back. */
const WAIT_MS = 1_000;
const BACKOFF = { initialMs: 500, maxMs: 10_000 };

/**
 * Removes what a failed try may have left. A key that nobody knows of, on a session that lives on, blocks everybody behind
 * it for ever (etcd#21128), so this does not give up before the key has gone, by deletion or with the session.
 */
export async function cleanUp(
  session: Session,
  remove: (options: CallOptions) => Promise<void>,
): Promise<void> {
  await settleWithin(untilRemoved(session, remove), WAIT_MS);
}

/** Resolves when it is removed, or gone with the session; never rejects. Tries at least once. */
export async function untilRemoved(
  session: Session,
  remove: (options: CallOptions) => Promise<void>,
): Promise<void> {
  for (let attempt = 0; !(await isOver(remove)) && !session.signal.aborted; attempt += 1) {
    await pause(backoffMs(attempt, BACKOFF), session.signal);
    if (session.signal.aborted) return;
  }
}

/** Whether it is done, or can never be: a closed client, such as a namespace that ends before the session, sends nothing. */
async function isOver(remove: (options: CallOptions) => Promise<void>): Promise<boolean> {
  try {
    await remove({ timeoutMs: WAIT_MS });
    return true;
  } catch (error) {
    return isEtcdError(error, "CLOSED");
  }
}
