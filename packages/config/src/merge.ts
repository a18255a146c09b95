type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a parsed JSON value is an object: neither null nor an array. */
function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Lays JSON values over each other, lowest precedence first. Objects are merged key by key, at every depth; everything
 * else replaces what is below it: arrays as a whole, and `null` too, which is a value and not a deletion.
 */
export function mergeLayers(values: readonly unknown[]): unknown {
  const [lowest, ...higher] = values;
  return higher.reduce(mergeTwo, lowest);
}

function mergeTwo(lower: unknown, upper: unknown): unknown {
  if (!isJsonObject(lower) || !isJsonObject(upper)) return upper;
  const merged = new Map(Object.entries(lower));
  for (const [key, value] of Object.entries(upper)) {
    merged.set(key, Object.hasOwn(lower, key) ? mergeTwo(lower[key], value) : value);
  }
  // fromEntries defines properties, where an assignment of a stored "__proto__" would change the prototype instead.
  return Object.fromEntries(merged);
}
