import { within } from "../util/abort.ts";

/** Waits for a clean-up that is safe to leave to itself, but not longer than `ms`, and without its error. */
export async function settleWithin(cleanup: Promise<unknown>, ms: number): Promise<void> {
  await within(cleanup, ms).catch(() => {});
}
