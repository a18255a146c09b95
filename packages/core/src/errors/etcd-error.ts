import type { EtcdErrorCode } from "./error-codes.ts";

/**
 * What is known about a write that failed: `notApplied` means it certainly has no effect and may be sent again;
 * `unknown` means it may have been applied, so only the caller can decide (read back, or guard the next try).
 */
export type Outcome = "notApplied" | "unknown";

export interface EtcdErrorOptions {
  /** What came from below, or the reason of the caller's signal. */
  readonly cause?: unknown;
  /** For writes only; see {@link Outcome}. */
  readonly outcome?: Outcome | undefined;
  /** For `COMPACTED`: the revision up to which history is gone. */
  readonly compactRevision?: bigint | undefined;
}

const BRAND = Symbol.for("@quorumkit/core/EtcdError");

/** The one error class of the client. Tell conditions apart by {@link EtcdError.code}, never by the message. */
export class EtcdError extends Error {
  override readonly name = "EtcdError";
  readonly code: EtcdErrorCode;
  readonly outcome: Outcome | undefined;
  readonly compactRevision: bigint | undefined;

  constructor(code: EtcdErrorCode, message: string, options: EtcdErrorOptions = {}) {
    // The code leads the message because a log line often shows nothing else.
    super(`${code}: ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.outcome = options.outcome;
    this.compactRevision = options.compactRevision;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** An EtcdError as it is; anything else as `INTERNAL` with the original as cause. */
  static from(error: unknown): EtcdError {
    if (error instanceof EtcdError) return error;
    return new EtcdError("INTERNAL", error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  }

  /** For JSON.stringify: the 64-bit revision as a decimal string, and no cause, which is not ours to print. */
  toJSON(): Record<string, string | undefined> {
    return {
      name: this.name,
      code: this.code,
      message: this.message,
      outcome: this.outcome,
      compactRevision: this.compactRevision?.toString(),
    };
  }

  /** True for errors of any loaded copy of this package, so that two copies in one process still understand each other. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && BRAND in value;
  }
}

/** Whether `error` is an {@link EtcdError}, and of one of the given codes where any are given. */
export function isEtcdError(error: unknown, ...codes: readonly EtcdErrorCode[]): error is EtcdError {
  return error instanceof EtcdError && (codes.length === 0 || codes.includes(error.code));
}
