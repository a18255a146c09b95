import { createHash } from "node:crypto";

/** A short stand-in for a set of lines, in whatever order they come. */
export function digest(lines: readonly string[]): string {
  const sorted = [...lines].sort((a, b) => (a < b ? -1 : 1));
  return createHash("sha1").update(sorted.join("\n")).digest("base64url");
}
