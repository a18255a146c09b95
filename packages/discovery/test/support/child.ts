import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { build } from "esbuild";

/** A bundle needs `require`, which it must make itself as an ES module. */
const BANNER =
  'import { createRequire } from "node:module"; const require = createRequire(process.cwd() + "/");';

/** Starts TypeScript as a node process of its own: from the sources, so that no earlier build is tested by mistake. */
async function start(contents: string, args: readonly string[] = []): Promise<ChildProcess> {
  const { outputFiles } = await build({
    stdin: { contents, loader: "ts", resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    platform: "node",
    target: "node20",
    format: "esm",
    banner: { js: BANNER },
    conditions: ["@quorumkit/source"],
    alias: { "@quorumkit/discovery": join(import.meta.dirname, "../../src/index.ts") },
    logLevel: "error",
  });
  const child = spawn(process.execPath, ["--input-type=module", "-", ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(outputFiles[0]?.contents);
  return child;
}

/** Starts program.ts and waits until it has registered. */
export async function startProgram(
  endpoint: string,
  id: string,
  then: "wait" | "close" | "deregister",
): Promise<ChildProcess> {
  const child = await start(await readFile(new URL("program.ts", import.meta.url), "utf8"), [
    endpoint,
    id,
    then,
  ]);
  if (child.stdout === null) throw new Error("stdout is not a pipe");
  await once(createInterface(child.stdout), "line");
  return child;
}

/** Runs a program to its end and gives what it printed. */
export async function runSource(contents: string): Promise<string> {
  const child = await start(contents);
  if (child.stdout === null) throw new Error("stdout is not a pipe");
  const [output, [code]] = await Promise.all([
    text(child.stdout),
    once(child, "exit") as Promise<[number | null]>,
  ]);
  if (code !== 0) throw new Error(`the program ended with ${code}: ${output}`);
  return output;
}
