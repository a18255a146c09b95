/** What a value must be, when it is not that. */
export type OptionCheck = (value: unknown) => string | undefined;

export const isBoolean: OptionCheck = (value) => (typeof value === "boolean" ? undefined : "a boolean");
export const isBigInt: OptionCheck = (value) => (typeof value === "bigint" ? undefined : "a bigint");
export const isText: OptionCheck = (value) => (typeof value === "string" ? undefined : "a string");
export const isFunction: OptionCheck = (value) => (typeof value === "function" ? undefined : "a function");

export function oneOf(...known: readonly string[]): OptionCheck {
  return (value) =>
    known.includes(value as string)
      ? undefined
      : `one of ${known.map((each) => JSON.stringify(each)).join(", ")}`;
}

/**
 * @param where The function they were given to, for the message. Default: none is named.
 * @throws TypeError naming the first option that is unknown or wrong, what it must be, and what it was.
 */
export function checkEach(
  options: object,
  checks: Readonly<Record<string, OptionCheck>>,
  where?: string,
): void {
  const wrong = (first: "Expected" | "Unknown", rest: string): TypeError =>
    new TypeError(where === undefined ? `${first} ${rest}` : `${where}: ${first.toLowerCase()} ${rest}`);
  if (typeof options !== "object" || options === null) {
    throw wrong("Expected", `options to be an object, got ${show(options)}`);
  }
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) {
      throw wrong("Unknown", `option "${name}"; known are ${Object.keys(checks).join(", ")}`);
    }
    const expected = value === undefined ? undefined : check(value);
    if (expected !== undefined) {
      throw wrong("Expected", `option "${name}" to be ${expected}, got ${show(value)}`);
    }
  }
}

/** A received value, short enough for an error message. */
export function show(value: unknown): string {
  return typeof value === "string" || Array.isArray(value) ? JSON.stringify(value) : String(value);
}
