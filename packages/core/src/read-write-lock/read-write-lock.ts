import { Lock, type LockClient, type LockOptions } from "../lock/lock.ts";
import { turnstileOf } from "../lock/turnstile.ts";
import { FairQueue } from "../queue/fair-queue.ts";

/**
 * A lock that many readers hold together, or one writer alone. Whoever came first gets it first: a reader that comes after
 * a waiting writer waits as well, so a stream of readers never keeps a writer out.
 *
 * Keys: `<name>/read/<lease id in hex>` and `<name>/write/<lease id in hex>`, in the order of their create revisions. A
 * reader waits for the newest older writer, a writer for the newest older key of either kind, and each watches that one key
 * only; readers behind the same writer come in together. A session has one place in it, so a reader cannot become the
 * writer: that waits for itself, or for another reader that wants the same.
 */
export class ReadWriteLock {
  readonly name: string;
  /** Held together with other readers, and never with a writer. */
  readonly read: Lock;
  /** Held alone. */
  readonly write: Lock;

  /** No I/O. @throws TypeError for an empty name and for wrong options. */
  constructor(client: LockClient, name: string, options: LockOptions = {}) {
    const all = `${name}/`;
    const writers = `${name}/write/`;
    const lock = (own: string, behind: string): Lock =>
      new Lock(client, name, options, {
        kind: "readWriteLock",
        turnstile: turnstileOf(new FairQueue(client, name, { own, behind })),
      });
    this.name = name;
    this.read = lock(`${name}/read/`, writers);
    this.write = lock(writers, all);
  }
}
