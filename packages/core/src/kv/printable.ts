/** 64-bit numbers as decimal strings: JSON has none, and `JSON.stringify` throws on a bigint. */
function toJSON(this: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(this).map(([name, value]) => [name, typeof value === "bigint" ? String(value) : value]),
  );
}

const PRINTABLE = Object.freeze(Object.defineProperty({}, "toJSON", { value: toJSON }));

/** The result of a call, made printable with `JSON.stringify`. */
export function printable<Result extends object>(result: Result): Result {
  return Object.setPrototypeOf(result, PRINTABLE) as Result;
}
