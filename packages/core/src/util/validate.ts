/** Shows a refused value in an error message: short, and never more than its type for objects. */
export function describe(value: unknown): string {
  if (typeof value === "string")
    return value.length > 40 ? `a string of ${value.length} characters` : JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object" && value !== null)
    return `an object of type ${value.constructor?.name ?? "Object"}`;
  return String(value);
}

/** Refuses options nobody reads: a misspelt option is a bug that would otherwise stay silent. */
export function refuseUnknown(options: object, known: readonly string[], where: string): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`${where}: options must be an object, received ${describe(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new TypeError(`${where}: unknown option ${JSON.stringify(name)}; known are ${known.join(", ")}`);
    }
  }
}

/** Whether there is nothing to check: most calls have no options, and the busiest ones should not pay for them. */
export function isEmpty(options: object): boolean {
  if (typeof options !== "object" || options === null || Array.isArray(options)) return false;
  for (const _ in options) return false;
  return true;
}

/** A finite number within bounds, or the fallback where it is absent. */
export function numberOption(
  value: number | undefined,
  name: string,
  bounds: {
    readonly min: number;
    readonly max?: number;
    readonly integer?: boolean;
    readonly fallback: number;
  },
): number {
  if (value === undefined) return bounds.fallback;
  const { min, max = Number.MAX_SAFE_INTEGER, integer = false } = bounds;
  const valid =
    typeof value === "number" && value >= min && value <= max && (!integer || Number.isInteger(value));
  if (!valid) {
    const range = bounds.max === undefined ? `at least ${min}` : `between ${min} and ${max}`;
    throw new TypeError(
      `${name} must be ${integer ? "a whole number" : "a number"} ${range}, received ${describe(value)}`,
    );
  }
  return value;
}

export function booleanOption(value: boolean | undefined, name: string, fallback = false): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== "boolean")
    throw new TypeError(`${name} must be a boolean, received ${describe(value)}`);
  return value;
}

/** The largest number etcd's signed 64-bit fields carry; a larger one would arrive as another. */
export const MAX_INT64: bigint = 2n ** 63n - 1n;

/** A non-negative 64-bit revision or id; numbers are refused, since ids do not fit them. */
export function bigintOption(value: bigint | undefined, name: string, min = 0n): bigint | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "bigint" || value < min || value > MAX_INT64) {
    throw new TypeError(
      `${name} must be a bigint between ${min}n and 2n ** 63n - 1n, received ${describe(value)}`,
    );
  }
  return value;
}

export function signalOption(value: AbortSignal | undefined, name = "signal"): AbortSignal | undefined {
  if (value !== undefined && !(value instanceof AbortSignal)) {
    throw new TypeError(`${name} must be an AbortSignal, received ${describe(value)}`);
  }
  return value;
}
