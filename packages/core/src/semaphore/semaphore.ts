import { Lock, type LockClient, type LockOptions } from "../lock/lock.ts";
import { checkName } from "../queue/fair-queue.ts";
import { describe, numberOption } from "../util/validate.ts";
import { Permits } from "./permits.ts";

export interface SemaphoreOptions extends LockOptions {
  /**
   * How many may hold it at the same time. Everybody has to give the same number: one that differs from the holders' is
   * refused with `FAILED_PRECONDITION`, so it can be changed once nobody holds a permit.
   */
  readonly permits: number;
}

/**
 * As a {@link Lock}, but several hold it at the same time, each one permit. Whoever came first gets the next one that
 * comes back, and a holder that dies gives its permit back with its lease.
 *
 * Keys: `<name>/held/<lease id in hex>` for each permit held, never more than there are permits; and
 * `<name>/queue/<lease id in hex>` for those who wait.
 */
export class Semaphore extends Lock {
  readonly permits: number;

  /** No I/O. @throws TypeError for an empty name and for wrong options. */
  constructor(client: LockClient, name: string, options: SemaphoreOptions) {
    checkName(name);
    const { permits, ...lockOptions } = options ?? {};
    if (permits === undefined) {
      throw new TypeError(`permits must be a whole number at least 1, received ${describe(permits)}`);
    }
    const count = numberOption(permits, "permits", { min: 1, integer: true, fallback: 1 });
    super(client, name, lockOptions, {
      kind: "semaphore",
      turnstile: new Permits(client, name, count),
    });
    this.permits = count;
  }
}
