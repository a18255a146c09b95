import { type Bytes, type EtcdClient, isEtcdError, type Session } from "@quorumkit/core";
import {
  backoffMs,
  type FairQueue,
  HeldLock,
  isPassing,
  pause,
  settleWithin,
  type WaitOptions,
} from "@quorumkit/core/internal";

export interface CampaignParts {
  readonly client: EtcdClient;
  readonly queue: FairQueue;
  readonly ttlSeconds: number;
  /** The caller's session; without it each candidate gets its own. */
  readonly session: Session | undefined;
}

export interface CampaignWait {
  /** Aborted with an EtcdError, which is then what the campaign rejects with. */
  readonly signal: AbortSignal;
  readonly onWaiting: WaitOptions["onWaiting"];
}

/** What is left of a failed try may take this long before the next step; the rest goes on by itself. */
const CLEANUP_MS = 1_000;
const BACKOFF = { initialMs: 100, maxMs: 5_000 };

/**
 * Queues until elected. A try that never got into the queue is an error, for then something is wrong with the call or the
 * cluster; once there, losing the place (key deleted, lease revoked or expired) means to queue again, at the end.
 */
export async function campaign(parts: CampaignParts, value: Bytes, wait: CampaignWait): Promise<HeldLock> {
  const { client, queue, ttlSeconds } = parts;
  const { signal, onWaiting } = wait;
  let entered = false;
  let own: Session | undefined;
  for (let attempt = 0; ; attempt += 1) {
    try {
      if (signal.aborted) throw signal.reason;
      const session = parts.session ?? (own ??= await client.openSession({ ttlSeconds, signal }));
      const ticket = await queue.enter(session, value, { signal });
      entered = true;
      const ownership = await queue.waitForTurn(ticket, { signal, onWaiting });
      return new HeldLock(queue.name, ownership, own && (() => session.close()));
    } catch (error) {
      const again = !signal.aborted && comesBack(error, entered, parts.session);
      if (own !== undefined && !(again && own.alive && isEtcdError(error, "KEY_DELETED"))) {
        await settleWithin(own.close(), CLEANUP_MS);
        own = undefined;
      }
      if (!again) throw signal.aborted ? signal.reason : error;
      await pause(backoffMs(attempt, BACKOFF), signal);
    }
  }
}

function comesBack(error: unknown, entered: boolean, given: Session | undefined): boolean {
  if (isEtcdError(error, "KEY_DELETED")) return true;
  if (given?.alive === false) return false;
  if (isEtcdError(error, "LEASE_EXPIRED", "LEASE_NOT_FOUND")) return given === undefined;
  return entered && isPassing(error);
}
