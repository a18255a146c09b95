import type { HistoryEvent } from "../../../src/history/index.ts";
import { type Choice, Scribe } from "./simulate.ts";

interface Place {
  readonly name: string;
  readonly acquisition: number;
  token: bigint | undefined;
  /** Whether it knows its token: the acquisition is completed. */
  isTold: boolean;
  write: { readonly id: number; result: boolean | undefined } | undefined;
  release: number | undefined;
}

/** What processes record of a real mutex: who loses it stops claiming it before the store frees it. */
export function simulateMutex(steps: readonly Choice[]): HistoryEvent[] {
  const scribe = new Scribe();
  const places = new Map<number, Place>();
  let owner: Place | undefined;
  let [lastToken, highestWritten, restarts] = [1n, 0n, 0];

  const grant = (place: Place): void => {
    owner = place;
    lastToken += 1n;
    place.token = lastToken;
  };
  const free = (place: Place): void => {
    if (owner === place) owner = undefined;
  };

  for (const { process, what, how } of steps) {
    const place = places.get(process);
    if (place === undefined) {
      restarts += 1;
      const name = `p${process}.${restarts}`;
      const acquisition = scribe.invoke(name, "acquire", "k");
      places.set(process, {
        name,
        acquisition,
        token: undefined,
        isTold: false,
        write: undefined,
        release: undefined,
      });
    } else if (what < 4) {
      scribe.note("main", "killed", "", { process: place.name });
      free(place);
      places.delete(process);
    } else if (place.token === undefined) {
      if (owner === undefined) grant(place);
    } else if (!place.isTold) {
      scribe.complete("ok", scribe.eventOf(place.acquisition), { token: String(place.token) });
      place.isTold = true;
    } else if (place.write !== undefined) {
      if (place.write.result === undefined) {
        place.write.result = place.token >= highestWritten && owner === place;
        if (place.write.result) highestWritten = place.token;
      } else {
        scribe.complete(place.write.result ? "ok" : "fail", scribe.eventOf(place.write.id));
        place.write = undefined;
      }
    } else if (place.release !== undefined) {
      if (owner === place && how % 3 > 0) free(place);
      else {
        free(place);
        if (how % 5 > 0) scribe.complete("ok", scribe.eventOf(place.release));
        places.delete(process);
      }
    } else if (what < 12) {
      scribe.note(place.name, "lost", "k", { token: String(place.token) });
      free(place);
      // It goes on for a while, and its writes are refused.
      if (how % 2 === 0) places.delete(process);
    } else if (what < 50) {
      const value = { token: String(place.token) };
      place.write = { id: scribe.invoke(place.name, "guardedWrite", "k", value), result: undefined };
    } else if (what < 60) {
      if (owner === place) scribe.note(place.name, "holds", "k", { token: String(place.token) });
    } else place.release = scribe.invoke(place.name, "release", "k", { token: String(place.token) });
  }
  return scribe.events;
}
