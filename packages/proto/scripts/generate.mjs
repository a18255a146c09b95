// Turns proto/**/*.proto into src/gen. With --check nothing is written: it exits with 1 and names what is out of date.

import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateFiles } from "./generator/files.mjs";
import { compareText } from "./generator/names.mjs";

const packageDir = join(dirname(fileURLToPath(import.meta.url)), "..");
const genDir = join(packageDir, "src", "gen");

/** Relative paths of all files under `dir`, with forward slashes, in a fixed order. */
function listFiles(dir) {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(dir.length + 1)
        .replaceAll("\\", "/"),
    )
    .toSorted(compareText);
}

function findOutdated(files) {
  const present = new Map(listFiles(genDir).map((path) => [path, readFileSync(join(genDir, path), "utf8")]));
  const paths = new Set([...files.keys(), ...present.keys()]);
  return [...paths].filter((path) => files.get(path) !== present.get(path)).toSorted(compareText);
}

const protoDir = join(packageDir, "proto");
const files = generateFiles(protoDir, listFiles(protoDir));

if (process.argv.includes("--check")) {
  const outdated = findOutdated(files);
  for (const path of outdated)
    console.error(`out of date: src/gen/${path} (run "pnpm generate" in packages/proto)`);
  process.exitCode = outdated.length === 0 ? 0 : 1;
} else {
  rmSync(genDir, { recursive: true, force: true });
  for (const [path, text] of files) {
    mkdirSync(dirname(join(genDir, path)), { recursive: true });
    writeFileSync(join(genDir, path), text);
  }
  console.log(`wrote ${files.size} files to src/gen`);
}
