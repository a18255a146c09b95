import type { Session } from "./session.ts";

/** The sessions begun with a client or with one of its namespaces, so that closing it ends them. */
export class SessionSet {
  readonly #outer: SessionSet | undefined;
  readonly #sessions = new Set<Session>();
  readonly #opening = new Set<Promise<unknown>>();

  /** What is in the set is in `outer`, too. */
  constructor(outer?: SessionSet) {
    this.#outer = outer;
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
