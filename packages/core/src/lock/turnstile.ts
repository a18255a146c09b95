import type { Session } from "../lease/session.ts";
import type { FairQueue } from "../queue/fair-queue.ts";
import { Ownership } from "../queue/ownership.ts";
import type { WaitOptions } from "../queue/wait-until.ts";
import type { CallOptions } from "../transport/call-options.ts";

/** Who is let in beside whom: what makes a lock a mutex, a reader's or writer's lock, or a permit. */
export interface Turnstile {
  /** Waits in order of arrival. However it fails, it leaves no key behind. */
  acquire(session: Session, options: WaitOptions): Promise<Ownership>;
  /** Gives undefined where it would have to wait, and has left no trace then. */
  tryAcquire(session: Session, options: CallOptions): Promise<Ownership | undefined>;
}

/** One at a time, or as the queue's lane has it. */
export function turnstileOf(queue: FairQueue): Turnstile {
  return {
    async acquire(session, options) {
      const ticket = await queue.enter(session, "", { signal: options.signal });
      return queue.waitForTurn(ticket, options);
    },
    async tryAcquire(session, options) {
      const entered = await queue.tryEnter(session, "", options);
      return entered instanceof Ownership ? entered : undefined;
    },
  };
}
