import { setTimeout as sleep } from "node:timers/promises";
import type { Gateway } from "./gateway.ts";
import { TrueLog } from "./true-log.ts";

const RETRY_MS = 100;
const CATCH_UP_MS = 20_000;

/** Writes the true log, from watches at every member at once: whatever happens to one of them, another goes on. */
export class Chronicle {
  readonly log = new TrueLog();
  readonly #closing = new AbortController();
  readonly #gateways: readonly Gateway[];
  readonly #following: Promise<unknown>;

  /** Begins at once, with a new store. */
  constructor(gateways: readonly Gateway[]) {
    this.#gateways = gateways;
    this.#following = Promise.all(gateways.map((gateway) => this.#follow(gateway)));
  }

  /** Waits until everything there is by now has been written. @throws when it does not come. */
  async catchUp(signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + CATCH_UP_MS;
    const revisions = await Promise.all(this.#gateways.map((gateway) => gateway.revision(CATCH_UP_MS)));
    const revision = Math.max(...revisions);
    while (this.log.until < revision) {
      signal.throwIfAborted();
      if (performance.now() > deadline)
        throw new Error(`the true log is at ${this.log.until}, the store at ${revision}`);
      await sleep(RETRY_MS);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#following;
  }

  async #follow(gateway: Gateway): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        for await (const entry of gateway.watch(this.log.until + 1, signal)) this.log.add(entry);
      } catch {
        // The member is away; the others, or its next start, tell what it missed.
      }
      await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }
}
