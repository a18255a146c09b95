import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { build, type BuildOptions, type BuildResult } from "esbuild";

const packageDirectory = join(import.meta.dirname, "..", "..", "..");

/** A program of its own, made from these sources; `contents` may import from "./src/…". */
export function bundle(contents: string): Promise<string> {
  return build({ stdin: { contents, resolveDir: packageDirectory, loader: "ts" }, ...options }).then(textOf);
}

/** The command, as one program. */
export function bundleCommand(): Promise<string> {
  return build({ entryPoints: [join(packageDirectory, "src/cli/main.ts")], ...options }).then(textOf);
}

const options: BuildOptions & { readonly write: false } = {
  bundle: true,
  write: false,
  platform: "node",
  format: "cjs",
  target: "node20",
  conditions: ["@quorumkit/source"],
  external: ["testcontainers"],
  logLevel: "error",
};

function textOf({ outputFiles }: BuildResult): string {
  return outputFiles?.[0]?.text ?? "";
}

/** A running program, and what it has printed so far. */
export interface Program {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly errors: () => string;
  /** Resolves with the exit code, or the signal's name, when all output has been read. */
  readonly ended: Promise<number | string>;
}

export function run(code: string, args: readonly string[] = []): Program {
  const child = spawn(process.execPath, ["--input-type=commonjs", "-", ...args]);
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  child.stdin.end(code);
  const ended = once(child, "close").then(
    ([exitCode, signal]: (number | string | null)[]) => exitCode ?? signal ?? "unknown",
  );
  return { child, output: () => output, errors: () => errors, ended };
}
