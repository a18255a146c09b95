import type { Commit, MvccStore, StoredEvent } from "../mvcc/store.ts";
import type { WatchSet } from "./watch-set.ts";
import type { Watch } from "./watch.ts";

/** Revisions in one batch for a watch that is behind, at most. Source: etcd, mvcc.watchBatchMaxRevs. */
const maxBatchRevisions = 1000;

export interface FeedTarget {
  /** Whether one more answer with events can be taken. */
  readonly hasRoom: boolean;
  /** Whether everything so far has been taken: the time for history. */
  readonly isFlowing: boolean;
  /** @param revision The one the answer speaks for. */
  deliver(watch: Watch, events: readonly StoredEvent[], revision: bigint): void;
  /** The watch's next revision is gone: nothing more is delivered to it. */
  compacted(watch: Watch, compactRevision: bigint): void;
}

/**
 * Brings the store's commits to the watches of one stream: as they happen while the client keeps up, and otherwise from
 * the store's history, so that nothing is kept for a slow client. Every watch gets every revision once, in order, whole.
 */
export class WatchFeed {
  readonly #store: MvccStore;
  readonly #watches: WatchSet;
  readonly #target: FeedTarget;
  readonly #stopListening: () => void;
  #catchingUp: NodeJS.Immediate | undefined;
  #isClosed = false;

  constructor(store: MvccStore, watches: WatchSet, target: FeedTarget) {
    this.#store = store;
    this.#watches = watches;
    this.#target = target;
    this.#stopListening = store.onCommit((commit) => {
      this.#hear(commit);
    });
  }

  /** Lets the watches that are behind catch up, a batch for each at a time, between other work. */
  catchUp(): void {
    if (this.#catchingUp || this.#isClosed) return;
    this.#catchingUp = setImmediate(() => {
      this.#catchingUp = undefined;
      this.#catchUpOnce();
    });
  }

  close(): void {
    this.#isClosed = true;
    clearImmediate(this.#catchingUp);
    this.#stopListening();
  }

  #hear({ revision, events }: Commit): void {
    const parts = new Map<Watch, StoredEvent[]>();
    for (const event of events) {
      for (const watch of this.#watches.matching(event.kv.key)) {
        if (watch.standing !== "synced" || watch.next > revision) continue;
        const part = parts.get(watch);
        if (part) part.push(event);
        else parts.set(watch, [event]);
      }
    }
    for (const [watch, part] of parts) {
      if (!this.#target.hasRoom) {
        watch.standing = "behind";
        watch.next = revision;
      } else {
        watch.next = revision + 1n;
        this.#deliver(watch, part, revision);
      }
    }
  }

  #catchUpOnce(): void {
    let isDone = true;
    for (const watch of this.#watches.all()) {
      if (watch.standing !== "behind") continue;
      // What is in the way is told: the target's drain brings us back.
      if (!this.#target.isFlowing) return;
      if (!this.#sync(watch)) isDone = false;
    }
    if (!isDone) this.catchUp();
  }

  /** One batch for one watch. @returns whether it is not behind any more. */
  #sync(watch: Watch): boolean {
    const { revision, compactRevision } = this.#store;
    if (watch.next < compactRevision) {
      watch.standing = "compacted";
      this.#target.compacted(watch, compactRevision);
      return true;
    }
    const events: StoredEvent[] = [];
    let revisions = 0;
    let rest: bigint | undefined;
    for (const commit of this.#store.commitsSince(watch.next)) {
      const part = commit.events.filter(({ kv }) => watch.matches(kv.key));
      if (part.length === 0) continue;
      if (++revisions > maxBatchRevisions) {
        rest = commit.revision;
        break;
      }
      events.push(...part);
    }
    watch.next = rest ?? revision + 1n;
    if (rest === undefined) watch.standing = "synced";
    if (events.length > 0) this.#deliver(watch, events, revision);
    return rest === undefined;
  }

  #deliver(watch: Watch, events: readonly StoredEvent[], revision: bigint): void {
    const wanted = watch.wanted(events);
    if (wanted.length > 0) this.#target.deliver(watch, wanted, revision);
  }
}
