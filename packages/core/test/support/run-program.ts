import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { build } from "esbuild";

export interface ProgramResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program in a node process of its own until that ends by itself. It is bundled from the sources, so that no
 * earlier build is tested by mistake. A program that has not ended after `limitMs` is killed, with `code` null.
 */
export async function runProgram(
  contents: string,
  args: readonly string[],
  limitMs = 20_000,
): Promise<ProgramResult> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: join(import.meta.dirname, "..", ".."), loader: "ts" },
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["@quorumkit/source"],
    // grpc-js is CommonJS and calls require, which an ES module has not.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire("/");' },
    logLevel: "error",
  });
  const child = spawn(process.execPath, ["--input-type=module", "-", ...args], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  const overdue = setTimeout(() => child.kill("SIGKILL"), limitMs);
  child.stdin.end(outputFiles[0]?.contents);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number | null]>,
  ]);
  clearTimeout(overdue);
  return { code, stdout, stderr };
}
