import { uptime } from "node:os";

/** setTimeout's longest wait: Node fires a longer one at once. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;

/** A clock for deadlines: milliseconds that never go back, and that count the time a machine was suspended. */
export interface Clock {
  now(): number;
}

/** Clocks that differ in what they count while the machine is suspended: the first does not go on, the others do. */
export interface ClockSources {
  monotonicMs(): number;
  bootMs(): number;
  /** The time of day, which can be set. */
  wallMs(): number;
}

const SYSTEM: ClockSources = {
  monotonicMs: () => performance.now(),
  bootMs: () => uptime() * 1000,
  wallMs: () => Date.now(),
};

/** `os.uptime()` moves in steps of 10 ms on Linux and of a second elsewhere, so smaller differences are noise. */
const RESOLUTION_MS = process.platform === "linux" ? 20 : 1_100;

/** The boot clock is read this often at least, for a time of day that was set back by just what the suspension took. */
const LOOK_EVERY_MS = 100;

/**
 * The process' deadline clock. `performance.now()` stands still while a Linux machine is suspended, although the
 * server's lease clock goes on; the boot-time clock does not, so the larger of both elapsed times counts.
 *
 * `os.uptime()` opens a file on Linux (3 µs), so it is asked when the time of day has jumped against the monotonic clock,
 * as it does over a suspension.
 */
export class SuspendAwareClock implements Clock {
  readonly #sources: ClockSources;
  readonly #monotonicStart: number;
  readonly #bootStart: number;
  #suspendedMs = 0;
  #lookedAt: number;
  #wallAhead: number;

  constructor(sources: ClockSources = SYSTEM) {
    this.#sources = sources;
    this.#monotonicStart = sources.monotonicMs();
    this.#bootStart = sources.bootMs();
    this.#lookedAt = this.#monotonicStart;
    this.#wallAhead = sources.wallMs() - this.#monotonicStart;
  }

  now(): number {
    const monotonic = this.#sources.monotonicMs();
    const wallAhead = this.#sources.wallMs() - monotonic;
    const jumped = Math.abs(wallAhead - this.#wallAhead) > RESOLUTION_MS;
    if (jumped || monotonic - this.#lookedAt >= LOOK_EVERY_MS) {
      this.#lookedAt = monotonic;
      this.#wallAhead = wallAhead;
      this.#look(monotonic);
    }
    return monotonic + this.#suspendedMs;
  }

  #look(monotonic: number): void {
    const ahead = this.#sources.bootMs() - this.#bootStart - (monotonic - this.#monotonicStart);
    if (ahead > this.#suspendedMs + RESOLUTION_MS) this.#suspendedMs = ahead;
  }
}

export const systemClock: Clock = new SuspendAwareClock();
