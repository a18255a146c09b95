import type { Finding } from "./checks/finding.ts";

const SHOWN = 10;

/** Lines of a run, each with the time since its beginning. */
export class Report {
  readonly #start = performance.now();

  say(text: string): void {
    const seconds = ((performance.now() - this.#start) / 1_000).toFixed(1);
    console.log(`${seconds.padStart(7)} s  ${text}`);
  }

  title(text: string): void {
    console.log(`\n${text}`);
  }

  counts(title: string, counts: ReadonlyMap<string, number>): void {
    this.title(title);
    for (const [name, count] of counts) console.log(`  ${name.padEnd(26)}${String(count).padStart(9)}`);
  }

  /** One line for each invariant, and what broke it; whether nothing did. */
  findings(findings: readonly Finding[]): boolean {
    this.title("Invariants: violations of what was checked");
    for (const { invariant, checked, violations } of findings) {
      const mark = violations.length === 0 ? "  " : "✗ ";
      console.log(
        `  ${mark}${String(violations.length).padStart(4)} of ${String(checked).padEnd(8)} ${invariant}`,
      );
      for (const line of violations.slice(0, SHOWN)) console.log(`         ${line}`);
      if (violations.length > SHOWN) console.log(`         and ${violations.length - SHOWN} more`);
    }
    return findings.every(({ violations }) => violations.length === 0);
  }
}
