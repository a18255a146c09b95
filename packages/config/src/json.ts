import { isPlainObject } from "./freeze.ts";

/** What reading a stored value gives; the problem never quotes the value. */
export type ParsedJson = { readonly value: unknown } | { readonly problem: string };

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads a stored value as JSON. */
export function parseJson(bytes: Uint8Array): ParsedJson {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return { problem: "the stored value is not UTF-8" };
  }
  if (text === "") return { problem: "the stored value is empty, not JSON" };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    // V8 quotes the text around the mistake, which may be a password; only the place is fit to be told.
    const position = /at position (\d+)/.exec(String(error))?.[1];
    return {
      problem: `the stored value is not JSON${position === undefined ? "" : ` (at position ${position})`}`,
    };
  }
}

/**
 * Writes a value as JSON, if JSON can hold all of it. `JSON.stringify` alone would turn `NaN` into null, drop
 * `undefined` and flatten a `Map`, and what is read back would not be what was published.
 * @throws TypeError naming the place of what JSON cannot hold.
 */
export function toJson(value: unknown, name: string): string {
  // First, because it ends on a cycle, with a TypeError of its own.
  const text = JSON.stringify(value) as string | undefined;
  assertJson(value, name);
  return text as string;
}

function assertJson(value: unknown, at: string): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (Number.isFinite(value)) return;
      throw new TypeError(`${at} must be a JSON value, received ${value}`);
    case "object":
      if (value === null) return;
      if (Array.isArray(value)) return value.forEach((item, index) => assertJson(item, `${at}[${index}]`));
      if (!isPlainObject(value)) {
        throw new TypeError(
          `${at} must be a JSON value, received an object of type ${value.constructor.name}`,
        );
      }
      for (const [key, item] of Object.entries(value)) assertJson(item, `${at}.${key}`);
      return;
    default:
      throw new TypeError(
        `${at} must be a JSON value, received ${value === undefined ? "undefined" : `a ${typeof value}`}`,
      );
  }
}
