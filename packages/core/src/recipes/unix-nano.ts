import { randomInt } from "node:crypto";

let last = 0n;

/**
 * The last part of a key, as Go's recipes make it: nanoseconds since 1970, of which the clock here knows the first digits only.
 * No two are the same in one process; against other processes the transaction that makes the key has to look.
 */
export function unixNano(): bigint {
  const now = BigInt(Date.now()) * 1_000_000n + BigInt(randomInt(1_000_000));
  last = now > last ? now : last + 1n;
  return last;
}
