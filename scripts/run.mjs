// The two commands of the README: `npm run demo` and `npm test`. They need Node and npm, nothing else: what is
// missing (dependencies, build) is made first, once, and the arguments, signals and exit code are the program's own.
import { readFileSync } from "node:fs";

const { engines } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const [wantedMajor, wantedMinor] = engines.node.match(/\d+/g).map(Number);
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
  console.error(
    `quorumkit: this needs Node ${engines.node}, and this is Node ${process.versions.node} (${process.execPath}).`,
  );
  process.exit(1);
}

// Only now: the rest may use what an older Node does not have.
const { prepare, root } = await import("./setup/prepare.mjs");
const { runChild } = await import("./setup/child.mjs");

const programs = {
  demo: { node: ["--enable-source-maps", "examples/dist/demo/main.js"] },
  test: { node: ["node_modules/vitest/vitest.mjs", "run"] },
};

const [name, ...args] = process.argv.slice(2);
const program = Object.hasOwn(programs, name ?? "") ? programs[name] : undefined;
if (program === undefined) {
  console.error(`usage: node scripts/run.mjs ${Object.keys(programs).join("|")} [arguments]`);
  process.exit(2);
}
await prepare();
process.exitCode = await runChild(process.execPath, [...program.node, ...args], { cwd: root });
