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
  readonly #closing = new AbortController();
  #interruptions = 0;
  #checking: Promise<void> = Promise.resolve();
  #lost: EtcdError | undefined;

  constructor(watcher: Watcher) {
    this.#watcher = watcher;
  }

  /** Why the watcher was closed, where that was because its history is gone. */
  get lost(): EtcdError | undefined {
    return this.#lost;
  }

  broke(): void {
    this.#interruptions += 1;
  }

  /** Calls `onLive` when the watch has caught up by the word of `look`; ends the watch when it cannot. */
  check(look: Look, onLive: () => void): void {
    // A watch that begins right after a listing has nothing behind it that could have gone.
    if (this.#interruptions === 0) onLive();
    else this.#checking = this.#check(look, onLive);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#checking;
  }

  async #check(look: Look, onLive: () => void): Promise<void> {
    const { signal } = this.#closing;
    const interruption = this.#interruptions;
    for (let attempt = 0; ; attempt += 1) {
      const seen: unknown = await look(signal).catch((error: unknown) => error);
      const outdated = this.#watcher.state !== "live" || interruption !== this.#interruptions;
      if (signal.aborted || outdated) return;
      if (seen === true) return onLive();
      if (isGone(seen)) {
        this.#lost = seen;
        return this.#watcher.close();
      }
      await pause(backoffMs(attempt, seen === false ? CATCH_UP : RETRY), signal);
    }
  }
}
