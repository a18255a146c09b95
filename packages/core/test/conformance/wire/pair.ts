import type { Pair } from "../compare.ts";
import { openPair } from "../servers.ts";
import { WireSide } from "./side.ts";
import type { WireStep } from "./steps.ts";

/** The two servers at the level of the wire. */
export function openWirePair(): Promise<Pair<WireStep>> {
  return openPair((endpoint) => new WireSide(endpoint), {
    ofWhatIsApplied: (step) => "call" in step && step.call === "leaseTimeToLive",
  });
}
