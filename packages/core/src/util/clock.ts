import { uptime } from "node:os";

/** setTimeout's longest wait: Node fires a longer one at once. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;

/** A clock for deadlines: milliseconds that never go back, and that count the time a machine was suspended. */
export interface Clock {
  now(): number;
}

/** Two clocks that differ in one thing: whether they count while the machine is suspended. */
export interface ClockSources {
  monotonicMs(): number;
  bootMs(): number;
}

const SYSTEM: ClockSources = { monotonicMs: () => performance.now(), bootMs: () => uptime() * 1000 };

/** `os.uptime()` moves in steps of 10 ms on Linux and of a second elsewhere, so smaller differences are noise. */
const RESOLUTION_MS = process.platform === "linux" ? 20 : 1_100;

/**
 * The process' deadline clock. `performance.now()` stands still while a Linux machine is suspended, although the
 * server's lease clock goes on; the boot-time clock does not, so the larger of both elapsed times counts.
 */
export class SuspendAwareClock implements Clock {
  readonly #sources: ClockSources;
  readonly #monotonicStart: number;
  readonly #bootStart: number;
  #suspendedMs = 0;

  constructor(sources: ClockSources = SYSTEM) {
    this.#sources = sources;
    this.#monotonicStart = sources.monotonicMs();
    this.#bootStart = sources.bootMs();
  }

  now(): number {
    const monotonic = this.#sources.monotonicMs();
    const ahead = this.#sources.bootMs() - this.#bootStart - (monotonic - this.#monotonicStart);
    if (ahead > this.#suspendedMs + RESOLUTION_MS) this.#suspendedMs = ahead;
    return monotonic + this.#suspendedMs;
  }
}

export const systemClock: Clock = new SuspendAwareClock();
