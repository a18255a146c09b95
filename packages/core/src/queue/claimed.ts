import { isEtcdError } from "../errors/etcd-error.ts";
import type { Session } from "../lease/session.ts";
import { claim } from "./claims.ts";
import { cleanUp } from "./clean-up.ts";
import type { QueueClient } from "./queue-client.ts";
import { keyInFull, SessionKey } from "./session-key.ts";

/** What is claimed, and for whom. */
export interface Claim {
  readonly session: Session;
  /** The key that is made. */
  readonly key: string;
  /** What nobody else may use with this session meanwhile. */
  readonly name: string;
  /** Ends the wait for what is left of an earlier claim. */
  readonly signal: AbortSignal | undefined;
}

/** A key whose name is claimed. */
export interface Claimed extends Pick<SessionKey, "key" | "session" | "making"> {
  /** Gives key and name free for another use of the same session. */
  readonly unclaim: () => void;
}

/** Runs `make`, which makes a key of the session, with a name claimed; takes back claim and key when it fails. */
export async function claimed<T>(
  client: QueueClient,
  { session, key, name, signal }: Claim,
  make: (claimed: Claimed) => Promise<T>,
): Promise<T> {
  if (session.signal.aborted) throw session.signal.reason;
  // Two users of one session would share one key, and both believe to own it; Go's mutex lets that happen.
  const inFull = keyInFull(client, name);
  const free = claim(session, inFull, `${name} is held or waited for with this session already`);
  const own = new SessionKey(client, session, key);
  const unclaim = (): void => {
    own.giveUp();
    free();
  };
  try {
    await own.takeUp(signal);
  } catch (error) {
    unclaim();
    throw error;
  }
  try {
    return await make({ key, session, making: own.making, unclaim });
  } catch (error) {
    const applied = isEtcdError(error) && error.outcome !== "notApplied";
    await cleanUp(session, async (limits) => {
      // Its create revision is unknown, but while it is claimed no other use of the session can have made it.
      if (applied) await own.remove(limits);
      unclaim();
    });
    throw error;
  }
}
