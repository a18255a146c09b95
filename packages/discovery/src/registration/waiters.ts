import { deferred, type Deferred } from "@quorumkit/core/internal";

/** Those who wait until a version of what is wanted has come true. */
export class Waiters {
  readonly #waiting = new Set<Deferred<void> & { readonly version: number }>();

  /** Resolves when `version`, or a later one, is reached. */
  wait(version: number): Promise<void> {
    const waiter = { ...deferred<void>(), version };
    this.#waiting.add(waiter);
    return waiter.promise;
  }

  reached(version: number): void {
    for (const waiter of this.#waiting) {
      if (waiter.version > version) continue;
      this.#waiting.delete(waiter);
      waiter.resolve();
    }
  }

  rejectAll(error: Error): void {
    for (const waiter of this.#waiting) waiter.reject(error);
    this.#waiting.clear();
  }
}
