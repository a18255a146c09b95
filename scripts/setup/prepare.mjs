import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runChild } from "./child.mjs";
import { exclusively } from "./lock.mjs";
import { pnpm } from "./pnpm.mjs";

export const root = fileURLToPath(new URL("../../", import.meta.url));

const stampFile = join(root, "node_modules/.quorumkit-installed");
const tsc = join(root, "node_modules/typescript/bin/tsc");

/** Installs and builds what is missing or out of date; ends the process with a message when that fails. */
export async function prepare() {
  await exclusively(
    join(root, ".cache/setup.lock"),
    async () => {
      if (!isInstalled()) await install();
      if (!isBuilt()) await build();
    },
    () => say("another run is installing or building here, waiting for it"),
  );
}

function isInstalled() {
  if (!existsSync(stampFile) || readFileSync(stampFile, "utf8") !== fingerprint()) return false;
  return workspace().every((directory) => existsSync(join(directory, "node_modules")));
}

async function install() {
  const { command, args, options } = pnpm(
    "install",
    "--frozen-lockfile",
    "--prefer-offline",
    "--config.confirmModulesPurge=false",
  );
  say(`installing dependencies: ${command} ${args.slice(0, 4).join(" ")}`);
  rmSync(stampFile, { force: true });
  const code = await runChild(command, args, { ...options, cwd: root }).catch((error) => {
    say(`cannot start ${command}: ${error.message}`);
    return 127;
  });
  if (code !== 0) {
    say(`installing failed (exit code ${code}); its reason stands above. What usually helps:`);
    say("- npx and the npm registry must be reachable: try `npm ping`; behind a proxy set HTTPS_PROXY");
    say(
      `- if pnpm-lock.yaml does not match a package.json: ${command} ${args.slice(0, 3).join(" ")}, then try again`,
    );
    say("- if node_modules is damaged: delete it, then try again");
    process.exit(code);
  }
  writeFileSync(stampFile, fingerprint());
}

// Without this question the build would have to announce itself before it knows whether there is anything to do.
function isBuilt() {
  const dry = spawnSync(process.execPath, [tsc, "-b", "--dry"], { cwd: root, encoding: "utf8" });
  return dry.status === 0 && !dry.stdout.includes("A non-dry build would");
}

async function build() {
  say("building: tsc -b");
  const code = await runChild(process.execPath, [tsc, "-b"], { cwd: root });
  if (code !== 0) {
    say(`the build failed (exit code ${code}), so nothing was run`);
    process.exit(code);
  }
}

/** What an installation depends on: it is repeated when any of this changes. */
function fingerprint() {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}\n`);
  const files = ["pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json"].map((name) => join(root, name));
  const manifests = workspace().map((directory) => join(directory, "package.json"));
  for (const file of [...files, ...manifests]) hash.update(readFileSync(file));
  return hash.digest("hex");
}

function workspace() {
  const packages = join(root, "packages");
  const names = readdirSync(packages).filter((name) => existsSync(join(packages, name, "package.json")));
  return [...names.toSorted().map((name) => join(packages, name)), join(root, "examples")];
}

function say(text) {
  console.error(`quorumkit: ${text}`);
}
