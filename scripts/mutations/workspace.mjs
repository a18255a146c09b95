import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { root } from "../setup/prepare.mjs";

const FILES = ["package.json", "tsconfig.base.json", "tsconfig.tests.json", "vitest.config.ts"];
const NOT_COPIED = new Set(["node_modules", "dist", "coverage", ".cache"]);

/**
 * Copies what tests run on into a temporary directory: the packages' sources and tests as they are in the checkout at
 * this moment. Dependencies are linked, and packages that use each other are linked to each other's copies.
 */
export function makeWorkspace() {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "quorumkit-mutations-")));
  for (const file of FILES) cpSync(join(root, file), join(directory, file));
  cpSync(join(root, "packages"), join(directory, "packages"), {
    recursive: true,
    filter: (path) => !NOT_COPIED.has(path.slice(path.lastIndexOf(sep) + 1)),
  });
  // Projects of vitest.config.ts that no mutation needs.
  for (const name of ["examples", "docs"]) mkdirSync(join(directory, name));
  linkModules("node_modules", directory);
  for (const name of readdirSync(join(directory, "packages")))
    linkModules(join("packages", name, "node_modules"), directory);
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }) };
}

/** A directory of its own, since vite keeps files of its own in it, with a link for each package. */
function linkModules(path, directory) {
  const from = join(root, path);
  mkdirSync(join(directory, path), { recursive: true });
  for (const name of readdirSync(from)) {
    if (name.startsWith("@")) linkModules(join(path, name), directory);
    else if (!name.startsWith("."))
      link(realpathSync(join(from, name)), join(directory, path, name), directory);
  }
}

function link(target, path, directory) {
  const inside = relative(realpathSync(join(root, "packages")), target);
  const own = inside === "" || inside.startsWith("..") ? target : join(directory, "packages", inside);
  // A junction is what Windows allows everybody to make; it is for directories only.
  if (statSync(target).isDirectory()) symlinkSync(own, path, "junction");
}
