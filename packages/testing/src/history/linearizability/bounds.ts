/** How long a search may go on. */
export interface SearchBounds {
  /**
   * Placements of an operation that a search for one key may try, before it is given up and the verdict is `undecided`.
   * Default 2 000 000: some seconds, and some hundred megabytes at worst.
   */
  readonly maxSteps?: number;
}

/** @throws TypeError */
export function checkBounds({ maxSteps = 2_000_000 }: SearchBounds): Required<SearchBounds> {
  if (!Number.isSafeInteger(maxSteps) || maxSteps < 1)
    throw new TypeError(
      `Expected option "maxSteps" to be a whole number of at least 1, got ${String(maxSteps)}`,
    );
  return { maxSteps };
}

/** @throws TypeError naming the first option that is not known. */
export function refuseUnknownOptions(options: object, known: readonly string[]): void {
  for (const name of Object.keys(options))
    if (!known.includes(name)) throw new TypeError(`Unknown option "${name}"; known are ${known.join(", ")}`);
}
