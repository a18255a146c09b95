import { expectAlike } from "../conform.ts";
import { WIRE_DIFFERENCES } from "./differences.ts";
import { type Mix, sequences } from "./generators.ts";
import { openWirePair } from "./pair.ts";

/** Compares the two servers at the level of the wire, over so many sequences of a mix. */
export async function expectAlikeOnTheWire(mix: Mix, count: number): Promise<void> {
  await expectAlike({
    open: openWirePair,
    steps: sequences(mix),
    differences: WIRE_DIFFERENCES,
    sequences: count,
  });
}
