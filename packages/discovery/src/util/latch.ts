import { deferred, onAbort } from "@quorumkit/core/internal";

/** Wakes one waiting loop. Set while nobody waits, it lets the next wait pass, so nothing that happened is missed. */
export class Latch {
  #next = deferred<void>();

  set(): void {
    this.#next.resolve();
  }

  /** Waits until it is set, `ms` are over, or `signal` aborts; then it is no longer set. */
  async wait(signal: AbortSignal, ms?: number): Promise<void> {
    const next = this.#next;
    const release = (): void => next.resolve();
    const timer = ms === undefined ? undefined : setTimeout(release, ms);
    const removeListener = onAbort(signal, release);
    try {
      await next.promise;
    } finally {
      clearTimeout(timer);
      removeListener();
      this.#next = deferred();
    }
  }
}
