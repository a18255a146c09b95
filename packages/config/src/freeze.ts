/** Configuration is shallow; what is deeper than this is a mistake, and would overflow the stack somewhere else. */
const MAX_DEPTH = 200;

/** Whether a value is made of named properties and nothing else, so that it can be copied, compared and frozen. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * A deeply frozen copy of a schema's output. It is a copy because the output may share objects with the schema, such
 * as a default, which are not ours to freeze. Anything but arrays and plain objects is taken over as it is:
 * `Object.freeze` does not protect a `Map` or a `Date`, and breaks some classes.
 * @throws RangeError when it is nested too deeply, or contains itself.
 */
export function frozenCopy(value: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH) throw new RangeError(`nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) return Object.freeze(value.map((item) => frozenCopy(item, depth + 1)));
  if (!isPlainObject(value)) return value;
  const copy = Object.create(Object.getPrototypeOf(value) as object | null) as object;
  for (const key of Object.keys(value)) {
    // Defined, not assigned: a property may be called "__proto__".
    Object.defineProperty(copy, key, { value: frozenCopy(value[key], depth + 1), enumerable: true });
  }
  return Object.freeze(copy);
}
