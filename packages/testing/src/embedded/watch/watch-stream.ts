import {
  EventType,
  type EventInput,
  type ResponseHeaderInput,
  type WatchCreateRequest,
  type WatchRequest,
  type WatchResponseInput,
} from "@quorumkit/proto";
import type { VirtualClock } from "../clock.ts";
import { errors } from "../errors.ts";
import type { KeySpan, MvccStore, StoredEvent } from "../mvcc/store.ts";
import { refusal } from "./cancel-reason.ts";
import { fragmentsOf } from "./fragments.ts";
import { Outbox, type AnswerStream } from "./outbox.ts";
import { WatchFeed, type FeedTarget } from "./watch-feed.ts";
import { WatchSet } from "./watch-set.ts";
import { Watch, watchedRange } from "./watch.ts";

export interface WatchStreamOptions {
  readonly store: MvccStore;
  readonly clock: VirtualClock;
  readonly answers: AnswerStream;
  /** The header of an answer that speaks for this revision. */
  readonly header: (revision: bigint) => ResponseHeaderInput;
  /** Throws when the client may not read these keys. */
  readonly checkRead: (span: KeySpan) => void;
  /** Milliseconds of the clock between progress notifications. */
  readonly progressIntervalMs: number;
  /** Answers to watches that allow fragments are split from this size on. */
  readonly maxAnswerBytes: number;
}

/** Stands for no single watch. */
const noWatch = -1n;

/** The server's end of one watch stream. */
export class WatchStream {
  readonly #options: WatchStreamOptions;
  readonly #watches = new WatchSet();
  readonly #outbox: Outbox;
  readonly #feed: WatchFeed;
  #nextId = 0n;
  #cancelTicker: () => void = () => undefined;

  constructor(options: WatchStreamOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.answers, () => {
      this.#feed.catchUp();
    });
    this.#feed = new WatchFeed(options.store, this.#watches, this.#target());
    this.#tick();
  }

  handle(request: WatchRequest): void {
    if (request.createRequest) this.#create(request.createRequest);
    else if (request.cancelRequest) this.#cancel(request.cancelRequest.watchId);
    else if (request.progressRequest) this.#progress([...this.#watches.all()], noWatch);
  }

  close(): void {
    this.#cancelTicker();
    this.#feed.close();
    this.#outbox.close();
    this.#watches.clear();
  }

  #create(request: WatchCreateRequest): void {
    // A stream's own answers to a wrong start have no compact revision. Source: v3rpc/watch.go, recvLoop.
    if (request.startRevision < 0n) {
      this.#refuse(errors.compacted().details);
      return;
    }
    const { key, end } = watchedRange(request);
    try {
      this.#options.checkRead({ key, rangeEnd: request.rangeEnd });
    } catch (error) {
      this.#refuse(refusal(error));
      return;
    }
    if (end !== undefined && end.length > 0 && key.compare(end) >= 0) {
      this.#refuse("mvcc: watcher range is empty");
      return;
    }
    const id = request.watchId === 0n ? this.#freeId() : request.watchId;
    if (this.#watches.get(id)) {
      this.#refuse("mvcc: duplicate watch ID provided on the WatchStream");
      return;
    }
    const { revision } = this.#options.store;
    const watch = new Watch(id, request, revision);
    this.#watches.add(watch);
    this.#answer(revision, { watchId: id, created: true });
    if (watch.standing === "behind") this.#feed.catchUp();
  }

  #freeId(): bigint {
    while (this.#watches.get(this.#nextId)) this.#nextId++;
    return this.#nextId++;
  }

  #refuse(cancelReason: string): void {
    const { revision } = this.#options.store;
    this.#answer(revision, { watchId: noWatch, created: true, canceled: true, cancelReason });
  }

  #cancel(id: bigint): void {
    const watch = this.#watches.get(id);
    if (watch === undefined) return;
    this.#watches.delete(watch);
    this.#answer(this.#options.store.revision, { watchId: id, canceled: true });
  }

  /** Only when all of these watches have been told everything, and have begun; otherwise etcd does not answer at all. */
  #progress(watches: readonly Watch[], watchId: bigint): void {
    const { revision } = this.#options.store;
    const isCurrent = watches.every((each) => each.standing === "synced" && each.startRevision <= revision);
    if (watches.length === 0 || !isCurrent || !this.#outbox.hasRoom) return;
    this.#answer(revision, { watchId });
  }

  #tick(): void {
    const { clock, progressIntervalMs } = this.#options;
    this.#cancelTicker = clock.setTimeout(progressIntervalMs, () => {
      this.#tick();
      for (const watch of this.#watches.all()) {
        if (!watch.progressNotify) continue;
        if (watch.isQuiet) this.#progress([watch], watch.id);
        watch.isQuiet = true;
      }
    });
  }

  #target(): FeedTarget {
    const outbox = this.#outbox;
    return {
      get hasRoom() {
        return outbox.hasRoom;
      },
      get isFlowing() {
        return outbox.isFlowing;
      },
      deliver: (watch, events, revision) => {
        this.#deliver(watch, events, revision);
      },
      compacted: (watch, compactRevision) => {
        // etcd's header has no revision here.
        this.#answer(0n, { watchId: watch.id, canceled: true, compactRevision });
      },
    };
  }

  #deliver(watch: Watch, stored: readonly StoredEvent[], revision: bigint): void {
    watch.isQuiet = false;
    const events = stored.map((event) => this.#toEvent(watch, event));
    const answer = { header: this.#options.header(revision), watchId: watch.id, events };
    const parts = watch.fragment ? fragmentsOf(answer, this.#options.maxAnswerBytes) : [answer];
    for (const part of parts) this.#outbox.put(part);
  }

  #toEvent({ prevKv }: Watch, { type, kv, prevKv: before }: StoredEvent): EventInput {
    const isPut = type === "put";
    const event: EventInput = { type: isPut ? EventType.PUT : EventType.DELETE, kv };
    const isCreation = isPut && kv.createRevision === kv.modRevision;
    return prevKv && before && !isCreation ? { ...event, prevKv: before } : event;
  }

  #answer(revision: bigint, answer: WatchResponseInput): void {
    this.#outbox.put({ header: this.#options.header(revision), ...answer });
  }
}
