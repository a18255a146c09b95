import { uptime } from "node:os";

/** A clock for deadlines: milliseconds that never go back, and that count the time a machine was suspended. */
export interface Clock {
  now(): number;
}

/** `os.uptime()` moves in steps of 10 ms, so smaller differences are noise. */
const RESOLUTION_MS = 20;

/**
 * The process' deadline clock. `performance.now()` stands still while a Linux machine is suspended, although the
 * server's lease clock goes on; the boot-time clock does not, so the larger of both elapsed times counts.
 */
class SuspendAwareClock implements Clock {
  readonly #monotonicStart = performance.now();
  readonly #bootStart = uptime() * 1000;
  #suspendedMs = 0;

  now(): number {
    const monotonic = performance.now();
    const ahead = uptime() * 1000 - this.#bootStart - (monotonic - this.#monotonicStart);
    if (ahead > this.#suspendedMs + RESOLUTION_MS) this.#suspendedMs = ahead;
    return monotonic + this.#suspendedMs;
  }
}

export const systemClock: Clock = new SuspendAwareClock();
