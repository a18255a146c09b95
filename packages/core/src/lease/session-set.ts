import PQueue from "p-queue";
import type { Session } from "./session.ts";

/**
 * More at once would not be granted any sooner, but a lease counts from when its grant was sent: among thousands of
 * grants the last ones would have used up their TTL by the time they are answered.
 */
const GRANTS_AT_ONCE = 32;

/** The sessions begun with a client or with one of its namespaces, so that closing it ends them. */
export class SessionSet {
  /** Bounds how many grants are under way. */
  readonly grants: PQueue;
  readonly #outer: SessionSet | undefined;
  readonly #sessions = new Set<Session>();
  readonly #opening = new Set<Promise<unknown>>();

  /** What is in the set is in `outer`, too. */
  constructor(outer?: SessionSet) {
    this.#outer = outer;
    this.grants = outer?.grants ?? new PQueue({ concurrency: GRANTS_AT_ONCE });
  }

  add(session: Session): void {
    this.#sessions.add(session);
    this.#outer?.add(session);
  }

  delete(session: Session): void {
    this.#sessions.delete(session);
    this.#outer?.delete(session);
  }

  /** Gives what `opening` gives, and lets {@link opened} wait for it. */
  async open<T>(opening: Promise<T>): Promise<T> {
    this.#opening.add(opening);
    try {
      return await (this.#outer === undefined ? opening : this.#outer.open(opening));
    } finally {
      this.#opening.delete(opening);
    }
  }

  /** Resolves when no session is being opened any more, nor one undone that failed to open. Never rejects. */
  async opened(): Promise<void> {
    while (this.#opening.size > 0) await Promise.allSettled(this.#opening);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions].map(async (session) => session.close()));
  }
}
