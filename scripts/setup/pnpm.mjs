import { delimiter, dirname } from "node:path";

// Also in .ci/run and CONTRIBUTING.md. It is no "packageManager" pin in package.json because other versions of pnpm,
// which install this lockfile as it is, refuse to with a pin.
const version = "10.34.9";

/** How to call the project's pnpm on a machine that has none: what to give to `spawn`. */
export function pnpm(...args) {
  // The npx on PATH, but run by the Node that runs us.
  const PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}`;
  return {
    command: "npx",
    args: ["--yes", `pnpm@${version}`, ...args],
    // npx is a batch file on Windows, which only a shell can start.
    options: {
      env: { ...process.env, PATH, npm_config_update_notifier: "false" },
      shell: process.platform === "win32",
    },
  };
}
