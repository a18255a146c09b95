// The longest delay Node's setTimeout knows; a longer one would fire at once.
const longestDelay = 2 ** 31 - 1;

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly run: () => void;
}

/** Later timers first, so that the next one is taken from the end; among equals the one that was set first comes first. */
function isLater(a: Timer, b: Timer): boolean {
  return a.due > b.due || (a.due === b.due && a.order > b.order);
}

/** Lets promises that are due and I/O that has arrived have their turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/**
 * A clock that runs with real, monotonic time and can be moved forward by hand. Timers set on it fire when its own time
 * reaches them, whether by waiting or by {@link advance}. It does not keep the process alive.
 */
export class VirtualClock {
  #offset = 0;
  #order = 0;
  /** Sorted by {@link isLater}. */
  readonly #timers: Timer[] = [];
  #real: NodeJS.Timeout | undefined;
  #advancing: Promise<void> | undefined;
  #isStepping = false;

  /** Milliseconds since an arbitrary moment; never goes back. */
  now(): number {
    return performance.now() + this.#offset;
  }

  /**
   * Calls `run` once, `ms` milliseconds of this clock from now, never synchronously.
   * @returns a function that takes the timer back; later calls of it do nothing.
   */
  setTimeout(ms: number, run: () => void): () => void {
    const timer: Timer = { due: this.now() + Math.max(0, ms), order: this.#order++, run };
    this.#timers.splice(this.#place(timer), 0, timer);
    this.#arm();
    return () => {
      const at = this.#place(timer);
      if (this.#timers[at] !== timer) return;
      this.#timers.splice(at, 1);
      this.#arm();
    };
  }

  /**
   * Moves the clock forward. Timers that become due fire one by one, each at its own time and in the order of their
   * times, and what one of them causes runs before the next: timers it sets or takes back count as well.
   * Calls that overlap are done one after the other.
   * @param ms Not negative and finite; 0 fires what is due already.
   */
  advance(ms: number): Promise<void> {
    if (!Number.isFinite(ms) || ms < 0)
      return Promise.reject(
        new TypeError(`advance: ms must be a finite number of at least 0, got ${String(ms)}`),
      );
    const previous = this.#advancing ?? Promise.resolve();
    const done = previous.catch(() => undefined).then(() => this.#step(ms));
    this.#advancing = done;
    return done;
  }

  /** Forgets all timers. */
  close(): void {
    this.#timers.length = 0;
    this.#arm();
  }

  async #step(ms: number): Promise<void> {
    const target = this.#offset + ms;
    this.#isStepping = true;
    this.#arm();
    try {
      for (let timer = this.#takeUntil(target); timer; timer = this.#takeUntil(target)) {
        timer.run();
        await turn();
      }
    } finally {
      this.#offset = target;
      this.#isStepping = false;
      this.#arm();
    }
    await turn();
  }

  /** Takes the next timer that is due before the offset reaches `target`, and moves the clock to its time. */
  #takeUntil(target: number): Timer | undefined {
    const next = this.#timers.at(-1);
    if (next === undefined) return undefined;
    const offset = next.due - performance.now();
    if (offset > target) return undefined;
    this.#offset = Math.max(this.#offset, offset);
    return this.#timers.pop();
  }

  /** The index at which a timer is, or belongs. */
  #place(timer: Timer): number {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#timers[middle];
      if (other !== undefined && isLater(other, timer)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** One real timer stands for all of them. */
  #arm(): void {
    clearTimeout(this.#real);
    this.#real = undefined;
    const next = this.#timers.at(-1);
    if (next === undefined || this.#isStepping) return;
    const delay = Math.min(longestDelay, Math.max(0, Math.ceil(next.due - this.now())));
    this.#real = setTimeout(() => {
      this.#fire();
    }, delay);
    this.#real.unref();
  }

  #fire(): void {
    const now = this.now();
    try {
      while ((this.#timers.at(-1)?.due ?? Infinity) <= now) this.#timers.pop()?.run();
    } finally {
      this.#arm();
    }
  }
}
