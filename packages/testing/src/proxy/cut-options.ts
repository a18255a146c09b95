import { show } from "../options.ts";
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

const HOW: readonly LinkFault[] = ["cut", "halfOpen", "hold"];
const WAYS: readonly Way[] = ["outgoing", "incoming", "both"];

/** @throws TypeError naming the option that is unknown or wrong. */
export function checkCut(options: CutOptions): { readonly how: LinkFault; readonly way: Way } {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Expected options to be an object, got ${show(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (name !== "how" && name !== "way") {
      throw new TypeError(`Unknown option "${name}"; known are how, way`);
    }
  }
  const { way = "both" } = options;
  if (!WAYS.includes(way)) throw wrong("way", WAYS, way);
  const { how = way === "both" ? "cut" : "halfOpen" } = options;
  if (!HOW.includes(how)) throw wrong("how", HOW, how);
  if (how === "cut" && way !== "both") {
    throw new TypeError(
      `Expected option "how" to be "halfOpen" or "hold" for the way "${way}", got "cut": a reset ends both`,
    );
  }
  return { how, way };
}

function wrong(name: string, known: readonly string[], value: unknown): TypeError {
  const list = known.map((each) => `"${each}"`).join(", ");
  return new TypeError(`Expected option "${name}" to be one of ${list}, got ${show(value)}`);
}
