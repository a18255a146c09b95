import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mutated } from "./source.mjs";

/** Everything that is wrong with the list by what stands in the files, without running anything. */
export function checkList(mutations, directory) {
  const problems = [];
  const names = new Set();
  for (const mutation of mutations) {
    const { name, find, replace, tests } = mutation;
    if (names.has(name)) problems.push(`${name}: there are two of this name`);
    names.add(name);
    if (find === replace) problems.push(`${name}: changes nothing`);
    if (tests.length === 0) problems.push(`${name}: names no test`);
    for (const { file, title } of tests) {
      const path = join(directory, file);
      if (!existsSync(path)) problems.push(`${name}: there is no ${file}`);
      else if (!readFileSync(path, "utf8").includes(title))
        problems.push(`${name}: there is no test ${JSON.stringify(title)} in ${file}`);
    }
    try {
      mutated(mutation, directory);
    } catch (error) {
      problems.push(error.message);
    }
  }
  return problems;
}
