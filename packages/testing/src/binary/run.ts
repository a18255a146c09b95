import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Runs a program to its end; rejects with the end of what it wrote to stderr. */
export async function run(
  command: string,
  args: readonly string[],
  options: {
    readonly cwd?: string;
    readonly env?: NodeJS.ProcessEnv;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<string> {
  try {
    const { stdout } = await execute(command, args, { ...options, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    options.signal?.throwIfAborted();
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === "ENOENT") throw new Error(`there is no program "${command}"`, { cause: error });
    const said = stderr?.trim().split("\n").slice(-4).join("; ");
    throw new Error(`${command} failed: ${said === undefined || said === "" ? String(code) : said}`, {
      cause: error,
    });
  }
}
