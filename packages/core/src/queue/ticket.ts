import type { KeyValue } from "../kv/key-value.ts";
import { printable } from "../kv/printable.ts";
import type { Session } from "../lease/session.ts";
import type { KeyWatch } from "./key-watch.ts";

export type { QueueClient } from "./queue-client.ts";

/** A key in the queue: ours, or one that somebody else put there. */
export interface QueueKey {
  readonly key: string;
  /** Its place: lower comes first. For the first one this is the fencing token. */
  readonly createRevision: bigint;
  /** The lease it hangs on; 0n for a key without a lease, which only its deletion removes. */
  readonly leaseId: bigint;
}

/** A place in the queue, taken by {@link FairQueue.enter}. */
export interface Ticket extends QueueKey {
  readonly session: Session;
  /** The ticket was first when it was made, so that no further question is needed. */
  readonly first: boolean;
  /** Tells when the key is deleted by somebody else; goes over to the {@link Ownership}. */
  readonly watch: KeyWatch;
  /** Gives the key's name free for another use of the same session. */
  readonly unclaim: () => void;
}

/** The key of a session in a queue, as Go's concurrency package names it: lower-case hex without padding. */
export function queueKey(prefix: string, leaseId: bigint): string {
  return prefix + leaseId.toString(16);
}

export function toQueueKey(kv: KeyValue): QueueKey {
  return printable({ key: kv.key, createRevision: kv.createRevision, leaseId: kv.lease });
}
