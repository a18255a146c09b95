/** Told about each renewal of one lease. */
export interface RenewalListener {
  /** The server answered the renewal sent at `sentAt` (the clock's time). */
  onRenewed(sentAt: number, ttlSeconds: number): void;
  /** The server does not know the lease any more. */
  onGone(): void;
}

/** A lease that is kept alive. */
export interface Renewal {
  readonly id: bigint;
  readonly listener: RenewalListener;
  /** The TTL it was granted with, in ms. */
  readonly grantedMs: number;
  /** The TTL in the newest answer, in ms. */
  ttlMs: number;
  /** When the next renewal is to be sent. */
  dueAt: number;
  /** When the newest answered renewal was sent, or the grant. */
  provenAt: number;
  /** How long its last answer took. */
  answerMs: number;
  /** Whether what is unanswered was sent a second time, too. */
  hedged: boolean;
}

/** A renewal goes out after a third of the TTL, which leaves two more tries. */
const RENEW_AFTER = 1 / 3;

/** Up to so much earlier, at random: leases granted together would be renewed together for ever. */
const JITTER = 0.2;

/** An answer later than this part of the TTL may not come at all: the member, or the way to it, may hang. */
const PATIENCE = 1 / 6;
const PATIENCE_AT_LEAST_MS = 200;

/** A link that is always slow is not one that hangs, but at the next renewal at the latest another way is tried. */
const USUAL_TIMES = 2;
const PATIENCE_AT_MOST = RENEW_AFTER;

export function nextDueAt(sentAt: number, ttlMs: number): number {
  return sentAt + ttlMs * RENEW_AFTER * (1 - JITTER * Math.random());
}

export function renewalsPerSecond(ttlMs: number): number {
  return 1_000 / (ttlMs * RENEW_AFTER);
}

/** For how long an answer is waited for before the renewal is sent another way, too. */
export function patienceMs({ ttlMs, answerMs }: Renewal): number {
  const usual = Math.min(USUAL_TIMES * answerMs, ttlMs * PATIENCE_AT_MOST);
  return Math.max(PATIENCE_AT_LEAST_MS, ttlMs * PATIENCE, usual);
}
