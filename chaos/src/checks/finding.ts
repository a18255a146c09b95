import type { Verdict } from "@quorumkit/testing/history";

/** What came out for one invariant. */
export interface Finding {
  readonly invariant: string;
  /** How many things were looked at. */
  readonly checked: number;
  readonly violations: readonly string[];
}

export function finding(invariant: string, checked: number, violations: readonly string[]): Finding {
  return { invariant, checked, violations };
}

/** What could not be decided counts as well: it was not shown. */
export function fromVerdict(invariant: string, { checked, violations, undecided }: Verdict): Finding {
  const lines = violations.map(({ rule, subject, message, part }) =>
    [`${rule} (${subject}): ${message}`, ...part].join("\n           "),
  );
  return finding(invariant, checked, [...lines, ...undecided.map((line) => `undecided: ${line}`)]);
}
