/** The demo's output: a line for each thing that happens, with its time, and what is found true at the end. */
export class Timeline {
  readonly #start = performance.now();
  readonly #findings: { readonly what: string; readonly holds: boolean }[] = [];

  chapter(title: string): void {
    console.log(`\n${title}`);
  }

  say(who: string, what: string): void {
    console.log(`  ${seconds(performance.now() - this.#start).padStart(8)}  ${who.padEnd(9)} ${what}`);
  }

  /** Something the demo claims. */
  finding(what: string, holds: boolean): void {
    this.#findings.push({ what, holds });
    this.say(holds ? "shown" : "NOT SHOWN", what);
  }

  /** Prints the summary; whether everything was shown. */
  end(): boolean {
    const missing = this.#findings.filter(({ holds }) => !holds);
    const took = seconds(performance.now() - this.#start);
    this.chapter(
      missing.length === 0
        ? `All ${this.#findings.length} things were shown, in ${took}.`
        : `${missing.length} of ${this.#findings.length} things did not happen, after ${took}:`,
    );
    for (const { what } of missing) console.log(`  - ${what}`);
    return missing.length === 0;
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
