/** One thing that must not be, and the evidence. */
export interface Violation {
  /** The rule that was broken; each checker lists its own. */
  readonly rule: string;
  /** A sentence for people. */
  readonly message: string;
  /** The key, lock, election or watch it happened to. */
  readonly subject: string;
  /** The smallest part of the history found that shows it: one line per operation or event, each naming where it stands. */
  readonly part: readonly string[];
}

/** What a checker found. */
export interface Verdict {
  /** Whether everything was looked at and nothing is wrong: `outcome` is `"ok"`. */
  readonly ok: boolean;
  /** `undecided`: no violation was found, but a search was given up at its bound. */
  readonly outcome: "ok" | "violated" | "undecided";
  readonly violations: readonly Violation[];
  /** What was given up, one sentence each. */
  readonly undecided: readonly string[];
  /** How many operations, claims or events were looked at. */
  readonly checked: number;
}

/** Puts findings together. */
export function verdict(
  violations: readonly Violation[],
  checked: number,
  undecided: readonly string[] = [],
): Verdict {
  const outcome = violations.length > 0 ? "violated" : undecided.length > 0 ? "undecided" : "ok";
  return { ok: outcome === "ok", outcome, violations, undecided, checked };
}

/** A verdict for people: one line when all is well, else each violation with its part of the history. */
export function formatVerdict(name: string, { outcome, violations, undecided, checked }: Verdict): string {
  return [
    `${name}: ${outcome}, ${checked} checked, ${violations.length} violations`,
    ...violations.flatMap(({ rule, subject, message, part }) => [
      `  ${rule} (${subject}): ${message}`,
      ...part.map((line) => `    ${line}`),
    ]),
    ...undecided.map((line) => `  undecided: ${line}`),
  ].join("\n");
}
