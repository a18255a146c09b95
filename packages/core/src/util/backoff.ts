/** Delays of a repeated attempt: doubling from `initialMs` to `maxMs`, each cut by up to half at random. */
export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
}

/** The wait before try number `attempt` (0 is the first repetition), in milliseconds. Jitter keeps clients apart. */
export function backoffMs(attempt: number, { initialMs, maxMs }: BackoffOptions): number {
  const full = Math.min(maxMs, initialMs * 2 ** Math.min(attempt, 30));
  return full * (0.5 + Math.random() / 2);
}
