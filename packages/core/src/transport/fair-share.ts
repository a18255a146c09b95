import type { Endpoint } from "./endpoint.ts";

/** What a call gives the first endpoint it tries while another one works: that is how long a member that hangs holds it up. */
const FIRST_SHARE_MS = 1_000;

/** With less than this, no endpoint has a fair chance. */
const LEAST_SHARE_MS = 250;

/**
 * How much of what is left of a call's time an endpoint gets: some is kept for the others, or one that hangs would eat the
 * whole deadline.
 */
export function fairShareMs(
  remainingMs: number,
  endpoint: Endpoint,
  endpoints: readonly Endpoint[],
  { first }: { readonly first: boolean },
): number {
  const others = endpoints.filter((each) => each !== endpoint);
  if (others.length === 0) return remainingMs;
  const mostMs = first && others.some(({ failing }) => !failing) ? FIRST_SHARE_MS : Number.POSITIVE_INFINITY;
  return Math.min(mostMs, Math.max(remainingMs / 2, Math.min(remainingMs, LEAST_SHARE_MS)));
}
