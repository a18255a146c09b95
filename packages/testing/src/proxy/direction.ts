import { show } from "../check-options.ts";

/** Which way bytes go: `requests` from the client to the server, `answers` from the server to the client. */
export type Direction = "requests" | "answers";

/** One direction, or both. */
export type Directions = Direction | "both";

export const DIRECTIONS: readonly Direction[] = ["requests", "answers"];

/** @throws TypeError when it is no direction. */
export function directionsOf(directions: Directions): readonly Direction[] {
  if (directions === "both") return DIRECTIONS;
  if (DIRECTIONS.includes(directions)) return [directions];
  throw new TypeError(`Expected direction to be "requests", "answers" or "both", got ${show(directions)}`);
}
