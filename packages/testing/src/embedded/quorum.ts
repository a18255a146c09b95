import { status } from "@grpc/grpc-js";
import type { VirtualClock } from "./clock.ts";
import { StatusError, errors } from "./errors.ts";
import type { LeaseBook } from "./lease/lease-book.ts";

/** How long etcd waits for a leader: 5 s, and two election timeouts. Source: server/config/config.go, ReqTimeout. */
const requestTimeoutMs = 7_000;
/** Shorter than any TTL. */
const renewalMs = 500;

/** A member as Raft sees it. */
export interface Peer {
  readonly id: bigint;
  readonly running: boolean;
  /** Whether it cannot talk to the others. */
  readonly isolated: boolean;
}

/** Who leads, and which members can tell: what Raft does in a real cluster. */
export class Quorum {
  readonly #members: readonly Peer[];
  readonly #leases: LeaseBook;
  readonly #clock: VirtualClock;
  readonly #listeners = new Set<() => void>();
  #leaderId: bigint | undefined;
  #term = 1n;
  #cancelRenewal: (() => void) | undefined;

  constructor(members: readonly Peer[], leases: LeaseBook, clock: VirtualClock) {
    this.#members = members;
    this.#leases = leases;
    this.#clock = clock;
  }

  get leaderId(): bigint | undefined {
    return this.#leaderId;
  }

  get term(): bigint {
    return this.#term;
  }

  /** Whether this member has a leader. */
  reaches(member: Peer): boolean {
    return this.#leaderId !== undefined && member.running && !member.isolated;
  }

  /** To be called whenever a member was lost or came back. */
  update(): void {
    const together = this.#members.filter(({ running, isolated }) => running && !isolated);
    const isQuorum = together.length * 2 > this.#members.length;
    if (!isQuorum) this.#lose();
    else if (!together.some(({ id }) => id === this.#leaderId)) this.#lead(together[0]?.id);
    for (const listener of this.#listeners) listener();
  }

  /** @throws StatusError when this is no member that could lead. */
  moveTo(id: bigint): void {
    const target = this.#members.find((member) => member.id === id);
    if (target === undefined) throw errors.badLeaderTransferee();
    if (!this.reaches(target)) throw transferTimeout();
    if (id !== this.#leaderId) this.#lead(id);
    for (const listener of this.#listeners) listener();
  }

  /** Calls the listener after every change. @returns what takes it back. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Resolves when the member has a leader, or the signal is aborted.
   * @throws what `late` returns, after as long as etcd would wait, by the cluster's clock.
   */
  async wait(member: Peer, signal: AbortSignal, late: () => StatusError): Promise<void> {
    if (this.reaches(member) || signal.aborted) return;
    let stop: () => void = () => undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const cancelTimer = this.#clock.setTimeout(requestTimeoutMs, () => {
          reject(late());
        });
        const forget = this.onChange(() => {
          if (this.reaches(member)) resolve();
        });
        const onAbort = (): void => {
          resolve();
        };
        signal.addEventListener("abort", onAbort, { once: true });
        stop = () => {
          cancelTimer();
          forget();
          signal.removeEventListener("abort", onAbort);
        };
      });
    } finally {
      stop();
    }
  }

  /** A new leader gives every lease its whole time, for it cannot know when it was last renewed. */
  #lead(id: bigint | undefined): void {
    this.#cancelRenewal?.();
    this.#cancelRenewal = undefined;
    this.#leaderId = id;
    this.#term += 1n;
    this.#leases.renewAll();
  }

  /** Without a leader no lease expires. */
  #lose(): void {
    this.#leaderId = undefined;
    if (this.#cancelRenewal === undefined) this.#holdLeases();
  }

  #holdLeases(): void {
    this.#leases.renewAll();
    this.#cancelRenewal = this.#clock.setTimeout(renewalMs, () => {
      this.#holdLeases();
    });
  }
}

/** Not among the errors that etcd gives a code. */
function transferTimeout(): StatusError {
  return new StatusError(status.UNKNOWN, "etcdserver: request timed out, leader transfer took too long");
}
