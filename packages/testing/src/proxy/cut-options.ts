import { checkEach, oneOf, type OptionCheck } from "../check-options.ts";
import type { LinkFault } from "./peer-links.ts";

/** Ways as a member sees them: `outgoing` is what it sends, `incoming` what is sent to it. */
export type Way = "outgoing" | "incoming" | "both";

/** How a member is cut off. */
export interface CutOptions {
  /**
   * `cut`: its connections are reset, and new ones as well; everybody notices at once. `halfOpen`: connections stay, and
   * bytes are lost; healing resets them. `hold`: connections stay, and bytes are kept back; healing delivers them. Default
   * `cut`; for one way only, `halfOpen`, since a reset always ends both.
   */
  readonly how?: LinkFault;
  /** Which way is cut. Default `both`. */
  readonly way?: Way;
}

const CHECKS: { readonly [K in keyof Required<CutOptions>]: OptionCheck } = {
  how: oneOf("cut", "halfOpen", "hold"),
  way: oneOf("outgoing", "incoming", "both"),
};

/** @throws TypeError naming the option that is unknown or wrong. */
export function checkCut(options: CutOptions): { readonly how: LinkFault; readonly way: Way } {
  checkEach(options, CHECKS);
  const { way = "both" } = options;
  const { how = way === "both" ? "cut" : "halfOpen" } = options;
  if (how === "cut" && way !== "both") {
    throw new TypeError(
      `Expected option "how" to be "halfOpen" or "hold" for the way "${way}", got "cut": a reset ends both`,
    );
  }
  return { how, way };
}
