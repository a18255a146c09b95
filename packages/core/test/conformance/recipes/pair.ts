import type { Pair } from "../compare.ts";
import { openPair } from "../servers.ts";
import { RecipeSide } from "./side.ts";
import type { RecipeStep } from "./steps.ts";

/** The two servers as clients of their lock and election services see them. */
export function openRecipePair(): Promise<Pair<RecipeStep>> {
  return openPair((endpoint) => new RecipeSide(endpoint));
}
