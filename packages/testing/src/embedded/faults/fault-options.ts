import { status } from "@grpc/grpc-js";
import { show } from "../../options.ts";

/** What a value must be, when it is not that. */
export type OptionCheck = (value: unknown) => string | undefined;

export const isBoolean: OptionCheck = (value) => (typeof value === "boolean" ? undefined : "a boolean");
export const isBigInt: OptionCheck = (value) => (typeof value === "bigint" ? undefined : "a bigint");
export const isText: OptionCheck = (value) => (typeof value === "string" ? undefined : "a string");
export const isFunction: OptionCheck = (value) => (typeof value === "function" ? undefined : "a function");
export const isMemberName: OptionCheck = (value) =>
  typeof value === "string" && value !== "" ? undefined : 'the name of a member, such as "etcd0"';
export const isCount: OptionCheck = (value) =>
  typeof value === "number" && value >= 1 && (Number.isInteger(value) || value === Infinity)
    ? undefined
    : "a whole number of at least 1";
export const isCode: OptionCheck = (value) =>
  typeof value === "number" && value > 0 && typeof status[value] === "string"
    ? undefined
    : "a gRPC status other than OK";

/** @throws TypeError naming the first option that is unknown or wrong, what it must be, and what it was. */
export function checkFaultOptions(
  where: string,
  options: object,
  checks: Readonly<Record<string, OptionCheck>>,
): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${where}: expected options to be an object, got ${show(options)}`);
  }
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) {
      throw new TypeError(`${where}: unknown option "${name}"; known are ${Object.keys(checks).join(", ")}`);
    }
    const expected = value === undefined ? undefined : check(value);
    if (expected !== undefined) {
      throw new TypeError(`${where}: expected option "${name}" to be ${expected}, got ${show(value)}`);
    }
  }
}
