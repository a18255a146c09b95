import { systemClock } from "../util/clock.ts";

/** As Go's. */
const REST_MS = 2_000;

/** Keys that others have just asked for: until they had time to write, they are not taken again. */
export class RestingKeys {
  /** When each was given up, oldest first. */
  readonly #since = new Map<string, number>();

  add(id: string): void {
    const now = systemClock.now();
    this.#since.delete(id);
    this.#since.set(id, now);
    for (const [each, since] of this.#since) {
      if (since + REST_MS > now) break;
      this.#since.delete(each);
    }
  }

  has(id: string): boolean {
    const since = this.#since.get(id);
    return since !== undefined && since + REST_MS > systemClock.now();
  }
}
