import { createHash } from "node:crypto";
import type { WireRange } from "../kv/key-range.ts";
import { describe, MAX_INT64 } from "../util/validate.ts";
import type { StorePoint } from "./store-view.ts";

/** Format, cluster id in hex, revision, and a digest of the range: "v1.cdf818194e3a8c32.4711.uU0nuZNNPgI". */
const TOKEN = /^v1\.([0-9a-f]{1,16})\.(0|[1-9]\d{0,18})\.([\w-]{11})$/;

/** A place between two revisions of a watch of `range`, as text that another process can go on from. */
export function writeResumeToken({ clusterId, revision }: StorePoint, range: WireRange): string {
  return `v1.${clusterId.toString(16)}.${revision}.${digestOf(range)}`;
}

/** Reads a token; refuses with a TypeError what is none, and what was taken from a watch of another range. */
export function readResumeToken(token: string, range: WireRange): StorePoint {
  const [, clusterId, revision, digest] = (typeof token === "string" && TOKEN.exec(token)) || [];
  if (clusterId === undefined || revision === undefined || BigInt(revision) >= MAX_INT64)
    throw new TypeError(`resumeToken must be what a watcher gave as such, received ${describe(token)}`);
  if (digest !== digestOf(range)) throw new TypeError("resumeToken was taken from a watch of another range");
  return { clusterId: BigInt(`0x${clusterId}`), revision: BigInt(revision) };
}

/** Short: it tells mistakes apart, nobody is to be kept out by it. */
function digestOf({ key, rangeEnd = new Uint8Array() }: WireRange): string {
  // With the length between them, or "a" to "bc" would look like "ab" to "c".
  const hash = createHash("sha256").update(`${key.length}.`).update(key).update(rangeEnd);
  return hash.digest().subarray(0, 8).toString("base64url");
}
