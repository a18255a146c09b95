import { pause } from "../util/abort.ts";

/** Waits for a clean-up that is safe to leave to itself, but not longer than `ms`, and without its error. */
export async function settleWithin(cleanup: Promise<unknown>, ms: number): Promise<void> {
  const enough = new AbortController();
  await Promise.race([
    cleanup.then(
      () => {},
      () => {},
    ),
    pause(ms, enough.signal),
  ]);
  enough.abort();
}
