// Tests the container source of packages/testing on a real container engine: `pnpm test:container`.
//
// Uses the image that ETCD_IMAGE names. Without it, imports one from an etcd at hand, so that nothing has to be pulled;
// then testcontainers' own cleaner (Ryuk), which would be pulled too, is off, and the tests close what they open.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const IMPORTED = "quorumkit-etcd-at-hand:test";

const engine = spawnSync("docker", ["info", "--format", "{{.ServerVersion}}"], { encoding: "utf8" });
if (engine.status !== 0) {
  console.error(`Docker does not answer: ${(engine.error?.message ?? engine.stderr).trim()}
Install and start it, then run this again. On Debian or Ubuntu:
  sudo apt-get install -y docker.io && sudo systemctl start docker
  pnpm test:container`);
  process.exit(1);
}
console.error(`Docker ${engine.stdout.trim()} answers`);

const env = { ...process.env };
if (!env.ETCD_IMAGE) {
  await importImage();
  env.ETCD_IMAGE = IMPORTED;
  env.TESTCONTAINERS_RYUK_DISABLED = "true";
}
const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
const config = join(root, "packages", "testing", "vitest.container.config.ts");
const { status } = spawnSync(process.execPath, [vitest, "run", "--config", config], {
  cwd: root,
  env,
  stdio: "inherit",
});
process.exitCode = status ?? 1;
if (env.ETCD_IMAGE === IMPORTED) spawnSync("docker", ["rmi", IMPORTED]);

/** Puts an etcd of this machine, with the shared libraries it needs, into an image of its own. */
async function importImage() {
  if (process.platform !== "linux") {
    console.error(
      "Only on Linux can an etcd at hand go into an image. Name an image instead: ETCD_IMAGE=… pnpm test:container",
    );
    process.exit(1);
  }
  execFileSync(
    process.execPath,
    [join(root, "node_modules", "typescript", "bin", "tsc"), "-b", "packages/testing"],
    { cwd: root },
  );
  const { startEtcd } = await import(new URL("../packages/testing/dist/index.js", import.meta.url).href);
  const etcd = await startEtcd({ source: ["env", "path", "cache", "release", "debian"] });
  const binary = execFileSync("readlink", ["-f", `/proc/${etcd.pid}/exe`], { encoding: "utf8" }).trim();
  await etcd.close();

  const image = mkdtempSync(join(tmpdir(), "quorumkit-image-"));
  try {
    for (const directory of ["usr/local/bin", "tmp", "etc"])
      mkdirSync(join(image, directory), { recursive: true });
    cpSync(binary, join(image, "usr/local/bin/etcd"));
    for (const library of sharedLibraries(binary)) {
      mkdirSync(join(image, dirname(library)), { recursive: true });
      cpSync(library, join(image, library), { dereference: true });
    }
    const archive = execFileSync("tar", ["-C", image, "-c", "."], { maxBuffer: 1024 ** 3 });
    execFileSync("docker", ["import", "-", IMPORTED], {
      input: archive,
      stdio: ["pipe", "ignore", "inherit"],
    });
    console.error(`Imported ${binary} as the image ${IMPORTED}`);
  } finally {
    rmSync(image, { recursive: true, force: true });
  }
}

/** What `ldd` names; a statically linked program has none, which ldd reports as a failure. */
function sharedLibraries(binary) {
  // By a variable: it comes with the C library, and no package.json can list it for knip.
  const lister = "ldd";
  const { stdout } = spawnSync(lister, [binary], { encoding: "utf8" });
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1]);
}
