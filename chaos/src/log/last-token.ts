import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { seenFile } from "./journal.ts";

/**
 * Where the watch of a worker's earlier processes was, from the histories they wrote: the line that holds a batch holds its
 * position too, so a process that is killed can neither have the one without the other.
 */
export async function lastToken(directory: string, name: string, life: number): Promise<string | undefined> {
  for (let earlier = life - 1; earlier > 0; earlier -= 1) {
    const text = await readFile(join(directory, seenFile(`${name}.${earlier}`)), "utf8").catch(() => "");
    // The last line may have been cut short.
    const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
    for (const line of lines.reverse()) {
      if (!line.includes('"op":"watch.batch"')) continue;
      const { value } = JSON.parse(line) as { readonly value: { readonly token?: string } };
      if (value.token !== undefined) return value.token;
    }
  }
  return undefined;
}
