import { show } from "../check-options.ts";

/** How a connection ends: `cut` in order (FIN), `reset` at once (RST), which may overtake what was sent before. */
export type EndKind = "cut" | "reset";

/** What happens to the bytes of one direction of one connection. */
export interface Rules {
  /** `hold` keeps them back until they are released, `drop` throws them away. */
  readonly flow: "pass" | "hold" | "drop";
  /** Everything arrives so many milliseconds later. */
  readonly delayMs: number;
  readonly bytesPerSecond: number;
  /** How many more bytes pass before the connection ends. */
  readonly endAfter: { readonly bytes: number; readonly how: EndKind } | undefined;
}

export const NO_FAULT: Rules = {
  flow: "pass",
  delayMs: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  endAfter: undefined,
};

/** @throws TypeError when it is no time to wait. */
export function delayRule(ms: number): Pick<Rules, "delayMs"> {
  if (typeof ms !== "number" || !(ms >= 0 && ms <= MAX_DELAY_MS)) {
    throw new TypeError(`Expected delay ms to be a number from 0 to ${MAX_DELAY_MS}, got ${show(ms)}`);
  }
  return { delayMs: ms };
}

/** @throws TypeError when it is no rate. */
export function rateRule(bytesPerSecond: number): Pick<Rules, "bytesPerSecond"> {
  if (typeof bytesPerSecond !== "number" || !(bytesPerSecond >= 1)) {
    throw new TypeError(`Expected bytesPerSecond to be a number from 1 on, got ${show(bytesPerSecond)}`);
  }
  return { bytesPerSecond };
}

/** @throws TypeError when it is no number of bytes, or no way to end. */
export function endAfterRule(bytes: number, how: EndKind): Pick<Rules, "endAfter"> {
  if (!Number.isSafeInteger(bytes) || bytes < 0) {
    throw new TypeError(`Expected bytes to be a whole number from 0 on, got ${show(bytes)}`);
  }
  if (how !== "cut" && how !== "reset") {
    throw new TypeError(`Expected how to be "cut" or "reset", got ${show(how)}`);
  }
  return { endAfter: { bytes, how } };
}

/** The longest that a timer of Node waits. */
const MAX_DELAY_MS = 2 ** 31 - 1;
