import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The text of a mutation's file with the fault in it.
 *
 * @throws Error when the text to be replaced does not stand there exactly once: the code has moved on, and the list has
 * to follow it.
 */
export function mutated({ name, file, find, replace }, directory) {
  const text = readFileSync(join(directory, file), "utf8");
  const count = text.split(find).length - 1;
  if (count !== 1) {
    throw new Error(`${name}: expected once in ${file}, found ${count} times:\n${indented(find)}`);
  }
  // By position, since in a replacement string "$" has a meaning.
  const at = text.indexOf(find);
  return text.slice(0, at) + replace + text.slice(at + find.length);
}

/** Puts the fault into the file while `work` runs. */
export async function withMutation(mutation, directory, work) {
  const path = join(directory, mutation.file);
  const original = readFileSync(path, "utf8");
  writeFileSync(path, mutated(mutation, directory));
  try {
    return await work();
  } finally {
    writeFileSync(path, original);
  }
}

function indented(text) {
  return text.replaceAll(/^/gm, "    ");
}
