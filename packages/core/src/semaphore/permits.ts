import { EtcdError } from "../errors/etcd-error.ts";
import type { RangeResult } from "../kv/range.ts";
import type { Session } from "../lease/session.ts";
import type { Turnstile } from "../lock/turnstile.ts";
import { type Claimed, claimed } from "../queue/claimed.ts";
import { cleanUp } from "../queue/clean-up.ts";
import { FairQueue } from "../queue/fair-queue.ts";
import { KeyWatch } from "../queue/key-watch.ts";
import { Ownership } from "../queue/ownership.ts";
import type { QueueClient } from "../queue/queue-client.ts";
import { queueKey, type QueueKey, toQueueKey } from "../queue/ticket.ts";
import { type Look, type WaitOptions, waitUntil } from "../queue/wait-until.ts";
import type { CallOptions } from "../transport/call-options.ts";
import { compare, type Compare } from "../txn/compare.ts";
import { op } from "../txn/op.ts";
import type { Op } from "../txn/txn-types.ts";

/** Who may take a permit now. */
interface Gate {
  /** Holds in the transaction that takes one. */
  readonly condition: Compare;
  /** Tells why it did not hold. */
  readonly question: Op<RangeResult>;
  /** Whether it is open by the answer. May throw when it never opens again. */
  isOpen(answer: RangeResult): boolean;
}

interface Full {
  /** The oldest of those in the way; undefined when it is only known that there are some. */
  readonly holder: QueueKey | undefined;
  readonly revision: bigint;
}

/**
 * The permits of a semaphore: keys under `<name>/held/`, never more than there are permits, each with that number as its
 * value. Who finds none waits in a {@link FairQueue}, and only the first of the queue waits for permits: one watch over
 * them, and a permit that comes back wakes one waiter. The key of a permit is made while its owner is first in the queue,
 * or while nobody is in it, so the order of the queue is the order of permits.
 */
export class Permits implements Turnstile {
  readonly #client: QueueClient;
  readonly #queue: FairQueue;
  readonly #held: string;
  readonly #permits: number;

  constructor(client: QueueClient, name: string, permits: number) {
    this.#client = client;
    this.#queue = new FairQueue(client, `${name}/queue`);
    this.#held = `${name}/held/`;
    this.#permits = permits;
  }

  async acquire(session: Session, options: WaitOptions): Promise<Ownership> {
    return this.#seated(session, options, async (seat) => {
      const taken = await this.#take(this.#nobodyWaits(), seat, options);
      if (taken instanceof Ownership) return taken;
      const ticket = await this.#queue.enter(session, "", { signal: options.signal });
      const turn = await this.#queue.waitForTurn(ticket, options);
      try {
        return await this.#waitForPermit(turn, seat, options);
      } finally {
        // A key that stayed in the queue would stop everybody behind it, so this does not give up.
        await cleanUp(session, async (limits) => turn.release(limits));
      }
    });
  }

  async tryAcquire(session: Session, options: CallOptions): Promise<Ownership | undefined> {
    return this.#seated(session, options, async (seat) => {
      const taken = await this.#take(this.#nobodyWaits(), seat, options);
      if (taken instanceof Ownership) return taken;
      seat.unclaim();
      return undefined;
    });
  }

  async #waitForPermit(turn: Ownership, seat: Claimed, options: WaitOptions): Promise<Ownership> {
    const look = async (signal: AbortSignal): Promise<Look<Ownership>> => {
      const taken = await this.#take(this.#inTurn(turn), seat, { signal });
      if (taken instanceof Ownership) return { done: taken };
      const { holder, revision } = taken;
      if (holder === undefined) throw new EtcdError("PROTOCOL", `${this.#held} is full, but nobody is there`);
      return { behind: holder, watched: { prefix: this.#held }, revision };
    };
    return waitUntil({ client: this.#client, what: turn.key, signals: [turn.signal], look }, options);
  }

  /**
   * Takes a permit while the gate is open and there are fewer keys than permits. etcd cannot compare a count, so the count
   * is of an earlier revision, and the transaction says that no key has come since: fewer there may be, and not more.
   */
  async #take(gate: Gate, seat: Claimed, { signal }: CallOptions): Promise<Ownership | Full> {
    const { session, key, making } = seat;
    const value = String(this.#permits);
    // The first try counts on an empty semaphore, which needs no count.
    let counted = 0n;
    for (;;) {
      const { succeeded, revision, results } = await this.#client
        .txn()
        .if(
          gate.condition,
          compare(key).createRevision.equals(0n),
          compare({ prefix: this.#held }).createRevision.lessThan(counted + 1n),
        )
        .then(op.put(key, value, { lease: session.leaseId }))
        .else(op.get(key), this.#oldest(), gate.question)
        .commit({ signal, ...making });
      if (succeeded) return this.#ownership(seat, revision, revision);
      const [own, held, answer] = results;
      // Only a sending whose answer was lost can have made it: the key is claimed.
      if (own !== undefined) return this.#ownership(seat, own.createRevision, revision);
      const oldest = held.kvs[0];
      if (oldest !== undefined && oldest.text() !== value) throw this.#mismatch(oldest.text());
      if (!gate.isOpen(answer) || held.count >= BigInt(this.#permits)) {
        return { holder: oldest && toQueueKey(oldest), revision };
      }
      counted = revision;
    }
  }

  #nobodyWaits(): Gate {
    const queue = { prefix: this.#queue.prefix };
    return {
      condition: compare(queue).createRevision.equals(0n),
      question: op.range(queue, { countOnly: true }),
      isOpen: ({ count }) => count === 0n,
    };
  }

  #inTurn(turn: Ownership): Gate {
    return {
      condition: turn.guard(),
      question: op.range(turn.key),
      isOpen: ({ kvs }) => {
        if (kvs[0]?.createRevision === turn.fencingToken) return true;
        throw new EtcdError("KEY_DELETED", `${turn.key} was deleted or replaced by somebody else`);
      },
    };
  }

  #oldest(): Op<RangeResult> {
    const sort = { by: "createRevision", order: "ascending" } as const;
    return op.range({ prefix: this.#held }, { sort, limit: 1 });
  }

  #ownership({ session, key, unclaim }: Claimed, createRevision: bigint, seen: bigint): Ownership {
    const watch = KeyWatch.start(this.#client, key, createRevision, seen + 1n);
    const { leaseId } = session;
    return new Ownership(this.#client, {
      key,
      createRevision,
      leaseId,
      session,
      first: true,
      watch,
      unclaim,
    });
  }

  #mismatch(theirs: string): EtcdError {
    const message = `${this.#held} is held by somebody who counts ${theirs} permits, not ${this.#permits}`;
    return new EtcdError("FAILED_PRECONDITION", message, { outcome: "notApplied" });
  }

  async #seated<T>(
    session: Session,
    { signal }: CallOptions,
    make: (seat: Claimed) => Promise<T>,
  ): Promise<T> {
    const key = queueKey(this.#held, session.leaseId);
    return claimed(this.#client, { session, key, name: key, signal }, make);
  }
}
