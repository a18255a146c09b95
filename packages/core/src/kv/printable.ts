/** What JSON has instead of a 64-bit number: a decimal string. `JSON.stringify` throws on a bigint. */
function printed(value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

function toJSON(this: object): object {
  if (Array.isArray(this)) return this.map(printed);
  return Object.fromEntries(Object.entries(this).map(([name, value]) => [name, printed(value)]));
}

const PRINTABLE = Object.freeze(Object.defineProperty({}, "toJSON", { value: toJSON }));

/**
 * The result of a call, made printable with `JSON.stringify`: every object that a call gives, and in which a bigint stands, goes
 * through here. Objects inside of it have to have done so by themselves.
 */
export function printable<Result extends object>(result: Result): Result {
  if (Array.isArray(result)) return Object.defineProperty(result, "toJSON", { value: toJSON });
  return Object.setPrototypeOf(result, PRINTABLE) as Result;
}
