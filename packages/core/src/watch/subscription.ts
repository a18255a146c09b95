import {
  type Event as WireEvent,
  type ResponseHeader,
  type WatchCreateRequestInput,
  WatchFilterType,
  type WatchResponse,
} from "@quorumkit/proto";
import type { EtcdError } from "../errors/etcd-error.ts";
import type { WireRange } from "../kv/key-range.ts";
import { printable } from "../kv/printable.ts";
import { type StorePoint, StoreView } from "./store-view.ts";
import { type WatchBatch, WatchEvent } from "./watch-event.ts";

/** Who is told what happens to a subscription. */
export interface SubscriptionListener {
  /** The server watches, for the first time or again. */
  onLive(): void;
  /** The stream is gone, or could not be had; the subscription is being set up on another. */
  onInterrupted(error: EtcdError): void;
  onBatch(batch: WatchBatch): void;
  /** The server ended the watch for good. */
  onEnd(error: EtcdError): void;
}

export interface SubscriptionOptions {
  readonly range: WireRange;
  readonly startRevision: bigint;
  readonly prevKv: boolean;
  readonly filters: readonly ("put" | "delete")[];
  /** The id to ask for. @default the server picks one */
  readonly watchId?: bigint | undefined;
  /** The store that the start revision is about. @default the one that answers first */
  readonly known?: StorePoint | undefined;
}

const FILTERS = { put: WatchFilterType.NOPUT, delete: WatchFilterType.NODELETE } as const;

/**
 * One watch as it outlives streams: what is watched, and from which revision it goes on. The position moves only when a
 * whole response has been delivered, so that it always stands between two revisions.
 */
export class Subscription {
  readonly listener: SubscriptionListener;
  readonly #options: SubscriptionOptions;
  #nextRevision: bigint;
  #fragments: WireEvent[] = [];
  readonly #store: StoreView;
  /** Where the store was when the stream at hand confirmed the watch. */
  #confirmedAt = 0n;
  /** How many answers for all watches may still come in that know nothing of this one. */
  #staleAnswers = 0;
  #moved: AbortController | undefined;

  constructor(options: SubscriptionOptions, listener: SubscriptionListener) {
    this.#options = options;
    this.#nextRevision = options.startRevision;
    this.#store = new StoreView(options.known);
    this.listener = listener;
  }

  get range(): WireRange {
    return this.#options.range;
  }

  get watchId(): bigint | undefined {
    return this.#options.watchId;
  }

  /** The store as its answers have shown it. */
  get store(): StoreView {
    return this.#store;
  }

  /** Aborts when the position moves on from here. */
  get moved(): AbortSignal {
    return (this.#moved ??= new AbortController()).signal;
  }

  /** The first revision that has not been delivered. */
  get nextRevision(): bigint {
    return this.#nextRevision;
  }

  /** Whether the store has been further, in this range or elsewhere, when it last said anything. */
  get isBehind(): boolean {
    return this.#nextRevision <= this.#store.revision;
  }

  /** What to ask a stream for, now. Half an answer from an earlier stream is worth nothing any more. */
  createRequest(): WatchCreateRequestInput {
    this.#fragments = [];
    const { range, prevKv, filters, watchId } = this.#options;
    return {
      ...range,
      ...(watchId !== undefined && { watchId }),
      startRevision: this.#nextRevision,
      prevKv,
      // Also where nobody reads them: they move the position of a watch to which nothing happens, so that a compaction
      // of what happened elsewhere does not overtake it. etcd sends one every ten minutes.
      progressNotify: true,
      filters: filters.map((each) => FILTERS[each]),
      // Answers larger than the server's request limit come in pieces instead of not at all.
      fragment: true,
    };
  }

  /**
   * Takes in that a stream watches now; `staleAnswers` of its progress answers can have been made before. Gives the error
   * where another cluster says so, and `behind` where the store is not as far as it has been.
   */
  confirmed(header: ResponseHeader | null, staleAnswers: number): EtcdError | "behind" | "ok" {
    this.#confirmedAt = header?.revision ?? 0n;
    this.#staleAnswers = staleAnswers;
    const behind = header !== null && header.revision < this.#store.revision;
    return this.#store.see(header) ?? (behind ? "behind" : "ok");
  }

  /** Takes in a response to this watch that is neither "created" nor "canceled"; gives the error of a foreign one. */
  received(response: WatchResponse): EtcdError | undefined {
    const changed = this.#store.see(response.header);
    if (changed === undefined) this.#take(response);
    return changed;
  }

  #take(response: WatchResponse): void {
    if (response.fragment || this.#fragments.length > 0) {
      // Not push(...events): that many arguments overflow the stack.
      for (const event of response.events) this.#fragments.push(event);
      if (response.fragment) return;
      const events = this.#fragments;
      this.#fragments = [];
      this.#deliver(events);
    } else if (response.events.length === 0) {
      this.progress(response.header?.revision ?? 0n);
    } else {
      this.#deliver(response.events);
    }
  }

  /**
   * Takes in an answer for all watches of the stream. etcd does not keep those in order with confirmations: one that
   * was on its way when this watch was confirmed says nothing about it, least of all that it has been replayed.
   */
  allProgressed(header: ResponseHeader | null): EtcdError | undefined {
    const changed = this.#store.see(header);
    if (changed === undefined && header !== null) this.#allProgressed(header.revision);
    return changed;
  }

  #allProgressed(revision: bigint): void {
    if (revision > this.#confirmedAt) this.#staleAnswers = 0;
    else if (this.#staleAnswers > 0) {
      this.#staleAnswers -= 1;
      return;
    }
    this.progress(revision);
  }

  /** The server has sent everything up to `revision`. Told as a batch without events, also where nobody asked for it. */
  progress(revision: bigint): void {
    // A member that is behind may report less than another one already delivered (etcd#20221).
    // And the events of an answer that is not complete yet are still to be delivered.
    if (revision < this.#nextRevision || this.#fragments.length > 0) return;
    this.#moveTo(revision + 1n);
    this.listener.onBatch(printable({ events: [], revision }));
  }

  #deliver(received: readonly WireEvent[]): void {
    // The header's revision is the store's when this was sent, far ahead of the events while a watch catches up: only
    // the events say how far they go (etcd `client/v3/watch.go`).
    // They come in the order of revisions, so what was delivered before can only stand at the front.
    const isNew = ({ kv }: WireEvent): boolean => kv !== null && kv.modRevision >= this.#nextRevision;
    const first = received.findIndex(isNew);
    if (first < 0) return;
    const fresh = first === 0 ? received : received.slice(first);
    const last = fresh.at(-1)?.kv?.modRevision;
    if (last === undefined) return;
    this.#moveTo(last + 1n);
    this.listener.onBatch(printable({ events: fresh.map((each) => new WatchEvent(each)), revision: last }));
  }

  #moveTo(nextRevision: bigint): void {
    this.#nextRevision = nextRevision;
    this.#moved?.abort();
    this.#moved = undefined;
  }
}
