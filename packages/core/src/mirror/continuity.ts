import type { EtcdError } from "../errors/etcd-error.ts";
import { isGone } from "../errors/passing.ts";
import { pause } from "../util/abort.ts";
import { backoffMs } from "../util/backoff.ts";
import type { Watcher } from "../watch/watcher.ts";

const RETRY = { initialMs: 50, maxMs: 2_000 };
/** The replay of what was missed is on its way, so the next look is soon. */
const CATCH_UP = { initialMs: 5, maxMs: 200 };

/** Reads what there is at this moment; true when nothing of it is still to come. Rejects when that cannot be read. */
export type Look = (signal: AbortSignal) => Promise<boolean>;

/**
 * Tells when a watch that came back after an interruption has really caught up. The server confirms every watch first,
 * replays what was missed and looks for a compaction only later, and lets one wait in silence for revisions which a
 * restored or emptied store has yet to reach. So small reads stand between "confirmed" and "live".
 */
export class Continuity {
  readonly #watcher: Watcher;
  #interruptions = 0;
  /** Ends the check under way. */
  #outdated = new AbortController();
  #checking: Promise<void> = Promise.resolve();
  #lost: EtcdError | undefined;

  constructor(watcher: Watcher) {
    this.#watcher = watcher;
  }

  /** Why the watcher was closed, where that was because its history is gone. */
  get lost(): EtcdError | undefined {
    return this.#lost;
  }

  /** What was looked at until now may be of a store that is no more. */
  broke(): void {
    this.#interruptions += 1;
    this.#outdated.abort();
  }

  /** Calls `onLive` when the watch has caught up by the word of `look`; ends the watch when it cannot. */
  check(look: Look, onLive: () => void): void {
    // A watch that begins right after a listing has nothing behind it that could have gone.
    if (this.#interruptions === 0) onLive();
    else this.#checking = this.#check(this.#checking, look, onLive);
  }

  async close(): Promise<void> {
    this.#outdated.abort();
    await this.#checking;
  }

  async #check(previous: Promise<void>, look: Look, onLive: () => void): Promise<void> {
    const { signal } = (this.#outdated = new AbortController());
    await previous;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const seen: unknown = await look(signal).catch((error: unknown) => error);
      if (signal.aborted || this.#watcher.state !== "live") return;
      if (seen === true) return onLive();
      if (isGone(seen)) {
        this.#lost = seen;
        return this.#watcher.close();
      }
      await pause(backoffMs(attempt, seen === false ? CATCH_UP : RETRY), signal);
    }
  }
}
