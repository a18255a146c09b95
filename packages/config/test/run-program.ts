import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { build } from "esbuild";

/** Runs a program of this directory in a process of its own, bundled from the sources; gives the lines it printed. */
export async function runProgram(contents: string, args: readonly string[] = []): Promise<string[]> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: "ts" },
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["@quorumkit/source"],
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire("file:///");' },
  });
  // Ended with SIGKILL after this time, which fails the test: nothing else would end a process that something holds.
  const running = promisify(execFile)(process.execPath, ["--input-type=module", "-", ...args], {
    timeout: 15_000,
    killSignal: "SIGKILL",
  });
  running.child.stdin?.end(outputFiles[0]?.contents);
  const { stdout } = await running;
  return stdout.trim().split("\n");
}
