import { isEtcdError } from "../errors/etcd-error.ts";
import type { KeyValue } from "../kv/key-value.ts";
import { type Bytes, toBytes } from "../kv/bytes.ts";
import type { RangeResult } from "../kv/range.ts";
import type { Session } from "../lease/session.ts";
import type { CallOptions } from "../transport/call-options.ts";
import { compare } from "../txn/compare.ts";
import { op } from "../txn/op.ts";
import type { Op } from "../txn/txn-types.ts";
import { describe } from "../util/validate.ts";
import { type Claimed, claimed } from "./claimed.ts";
import { cleanUp } from "./clean-up.ts";
import { deleteOwnKey } from "./delete-own-key.ts";
import { KeyWatch } from "./key-watch.ts";
import { Ownership } from "./ownership.ts";
import type { QueueClient } from "./queue-client.ts";
import { queueKey, type QueueKey, type Ticket, toQueueKey } from "./ticket.ts";
import { waitForTurn } from "./wait-for-turn.ts";
import type { WaitOptions } from "./wait-until.ts";

/** What {@link FairQueue.tryEnter} finds when somebody else is there. */
export interface Occupied {
  readonly holder: QueueKey | undefined;
}

/** Where in a queue keys are made, and which older keys they wait for. Prefixes under the queue's own, with their slash. */
export interface Lane {
  readonly own: string;
  readonly behind: string;
}

/**
 * A queue of keys under one prefix, of which the oldest is the owner's. The layout is the one of Go's `concurrency`
 * package, so `etcdctl lock`, `etcdctl elect` and every Go program stand in the same queue:
 * key `name + "/" + lease id in hex`, order by create revision, everybody waits for the nearest predecessor only.
 * Every other key under `name + "/"` takes part as well, so no name may be the beginning of another's path.
 *
 * With a {@link Lane} the keys stand under a prefix below that, and wait for some of the older ones only.
 */
export class FairQueue {
  readonly name: string;
  readonly prefix: string;
  readonly #client: QueueClient;
  readonly #lane: Lane;

  /** @throws TypeError when the name is not a string with something in it. */
  constructor(client: QueueClient, name: string, lane?: Lane) {
    checkName(name);
    this.#client = client;
    this.name = name;
    this.prefix = `${name}/`;
    this.#lane = lane ?? { own: this.prefix, behind: this.prefix };
  }

  /**
   * Takes a place behind all others. Sending it again finds the key that is there, so it may be repeated.
   * @throws EtcdError `LOCK_HELD` when this session has a place in this queue already.
   */
  async enter(session: Session, value: Bytes, options: CallOptions = {}): Promise<Ticket> {
    return this.#claimed(session, options, async ({ key, making, unclaim }) => {
      const entered = await this.#client
        .txn()
        .if(compare(key).createRevision.equals(0n))
        .then(op.put(key, value, { lease: session.leaseId }), this.#first())
        .else(op.get(key), this.#first())
        .commit({ ...options, ...making });
      const { revision } = entered;
      const found = entered.succeeded ? undefined : entered.results[0];
      if (found !== undefined) await this.#setValue(found, value, options);
      const createRevision = found?.createRevision ?? revision;
      const first = isFirst(createRevision, entered.results[1]);
      return this.#ticket(session, { key, createRevision, first, seen: revision, unclaim });
    });
  }

  /** Takes the first place if nobody at all is there; otherwise leaves nothing behind, not even for a moment. */
  async tryEnter(session: Session, value: Bytes, options: CallOptions = {}): Promise<Ownership | Occupied> {
    return this.#claimed(session, options, async ({ key, making, unclaim }) => {
      const tried = await this.#client
        .txn()
        // Over a range the comparison holds when it holds for each key; an empty range counts as one key of zeros.
        .if(
          compare({ prefix: this.#lane.behind }).createRevision.equals(0n),
          compare(key).createRevision.equals(0n),
        )
        .then(op.put(key, value, { lease: session.leaseId }))
        .else(op.get(key), this.#first())
        .commit({ ...options, ...making });
      const { revision } = tried;
      const own = tried.succeeded ? undefined : tried.results[0];
      // Our own key in the first place is the trace of an answer that was lost.
      if (!tried.succeeded && (own === undefined || !isFirst(own.createRevision, tried.results[1]))) {
        unclaim();
        const holder = tried.results[1].kvs[0];
        return { holder: holder && toQueueKey(holder) };
      }
      const createRevision = own?.createRevision ?? revision;
      return new Ownership(
        this.#client,
        this.#ticket(session, { key, createRevision, first: true, seen: revision, unclaim }),
      );
    });
  }

  /**
   * Waits until everybody who came before has gone. However it fails, the key is deleted again.
   * @throws EtcdError the reason of the lost session, `KEY_DELETED` when somebody deleted our key, `ABORTED`.
   */
  async waitForTurn(ticket: Ticket, options: WaitOptions = {}): Promise<Ownership> {
    try {
      if (!ticket.first) await waitForTurn(this.#client, this.#lane.behind, ticket, options);
      return new Ownership(this.#client, ticket);
    } catch (error) {
      await ticket.watch.close();
      const gone = isEtcdError(error, "KEY_DELETED");
      await cleanUp(ticket.session, async (limits) => {
        if (!gone) await deleteOwnKey(this.#client, ticket, limits);
        ticket.unclaim();
      });
      throw error;
    }
  }

  /** Gives a place up before its turn. It deletes this ticket's key only, so it may be repeated. */
  async leave(ticket: Ticket, options: CallOptions = {}): Promise<void> {
    await ticket.watch.close();
    try {
      await deleteOwnKey(this.#client, ticket, options);
    } finally {
      ticket.unclaim();
    }
  }

  /** The oldest of those that a key waits for; it may be the key itself. */
  #first(): Op<RangeResult> {
    return op.range(
      { prefix: this.#lane.behind },
      { sort: { by: "createRevision", order: "ascending" }, limit: 1 },
    );
  }

  #ticket(
    session: Session,
    place: { key: string; createRevision: bigint; first: boolean; seen: bigint; unclaim: () => void },
  ): Ticket {
    const { key, createRevision, first, seen, unclaim } = place;
    const watch = KeyWatch.start(this.#client, key, createRevision, seen + 1n);
    return { key, createRevision, leaseId: session.leaseId, session, first, watch, unclaim };
  }

  /** The key is from a try whose answer was lost, perhaps with an older value. */
  async #setValue(found: KeyValue, value: Bytes, options: CallOptions): Promise<void> {
    if (found.value.equals(toBytes(value, "value"))) return;
    await this.#client
      .txn()
      // Not its create revision: applied late, this would take back what its owner has written since.
      .if(compare(found.key).modRevision.equals(found.modRevision))
      .then(op.put(found.key, value, { lease: found.lease }))
      .commit({ ...options, repeatable: true });
  }

  /** One place in the whole queue for each session, whatever its lane: two would wait for each other. */
  async #claimed<T>(
    session: Session,
    { signal }: CallOptions,
    make: (claimed: Claimed) => Promise<T>,
  ): Promise<T> {
    const key = queueKey(this.#lane.own, session.leaseId);
    const name = queueKey(this.prefix, session.leaseId);
    return claimed(this.#client, { session, key, name, signal }, make);
  }
}

/** @throws TypeError when the name is not a string with something in it. */
export function checkName(name: string): void {
  if (typeof name !== "string" || name === "") {
    throw new TypeError(`name must be a non-empty string, received ${describe(name)}`);
  }
}

function isFirst(createRevision: bigint, { kvs: [oldest] }: RangeResult): boolean {
  return oldest === undefined || oldest.createRevision >= createRevision;
}
