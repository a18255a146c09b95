// Packs every public package as `pnpm publish` would and judges the archives: publint, attw, and what has to be in
// them. One line per package, and what was found in full. Run after a build.
import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { pnpm } from "./setup/pnpm.mjs";

const root = dirname(import.meta.dirname);
const packages = readdirSync(join(root, "packages"))
  .map((name) => join(root, "packages", name))
  .filter((directory) => existsSync(join(directory, "package.json")))
  .map((directory) => ({ directory, ...JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) }))
  .filter((manifest) => manifest.private !== true);

const archives = mkdtempSync(join(tmpdir(), "quorumkit-pack-"));
try {
  pack();
  const results = await Promise.all(packages.map(judge));
  for (const { name, version, findings } of results) {
    console.log(`${findings.length === 0 ? "ok    " : "FAILED"} ${name} ${version}`);
    for (const finding of findings) console.log(finding.replaceAll(/^/gm, "       "));
  }
  if (results.some(({ findings }) => findings.length > 0)) process.exitCode = 1;
} finally {
  rmSync(archives, { recursive: true, force: true });
}

function pack() {
  const { command, args, options } = pnpm("--recursive", "pack", "--pack-destination", archives);
  const run = spawnSync(command, args, { ...options, cwd: root, encoding: "utf8" });
  if (run.status !== 0)
    throw new Error(`pnpm pack failed\n${run.error?.message ?? ""}${run.stdout}${run.stderr}`);
}

async function judge({ directory, ...manifest }) {
  const { name, version } = manifest;
  const archive = join(archives, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
  const findings = [
    ...missingFiles(archive),
    ...staleOutputs(directory),
    ...(await publintFindings(archive)),
    ...(await attwFindings(archive)),
  ];
  return { name, version, findings };
}

function missingFiles(archive) {
  const list = spawnSync("tar", ["-tzf", archive], { encoding: "utf8" });
  if (list.status !== 0) return [`cannot list ${archive}: ${list.error?.message ?? list.stderr}`];
  const packed = new Set(list.stdout.split(/\r?\n/));
  const surplus = [...packed].filter((file) => /\.tsbuildinfo$|\/test\//.test(file));
  return [
    ...["LICENSE", "README.md", "dist/index.js", "dist/index.d.ts", "src/index.ts"]
      .filter((file) => !packed.has(`package/${file}`))
      .map((file) => `${file} is not in the package`),
    ...surplus.map((file) => `${file} must not be in the package`),
  ];
}

// tsc never removes what it once wrote: the output of a renamed file would be published.
function staleOutputs(directory) {
  return readdirSync(join(directory, "dist"), { recursive: true, encoding: "utf8" })
    .filter(
      (file) => file.endsWith(".js") && !existsSync(join(directory, "src", file.replace(/\.js$/, ".ts"))),
    )
    .map((file) => `dist/${file} has no source any more: delete ${join(directory, "dist")} and build again`);
}

async function publintFindings(archive) {
  const { buffer } = new Uint8Array(readFileSync(archive));
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
  return messages.map((message) => `publint: ${String(formatMessage(message, pkg, { color: false }))}`);
}

function attwFindings(archive) {
  const attw = fileURLToPath(
    new URL("./dist/index.js", import.meta.resolve("@arethetypeswrong/cli/package.json")),
  );
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [attw, "--profile", "esm-only", "--no-color", archive],
      (error, stdout, stderr) => {
        resolve(error === null ? [] : [`attw: ${stdout}${stderr}`]);
      },
    );
  });
}
