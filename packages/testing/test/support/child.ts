import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { temporaryDirectory } from "./temporary.ts";

/** A node process that has started an etcd. */
export interface StartedChild {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly dataDir: string;
}

/** What the process does after its etcd has started. */
export type Then = "wait" | "return" | "exit" | "throw";

const PROGRAM = `
  import { startEtcd } from "./src/index.ts";
  const [state, then, source] = process.argv.slice(2);
  const etcd = await startEtcd({ quiet: true, ...(source ? { source: [source] } : {}) });
  if (state === "paused") await etcd.pause();
  console.log(JSON.stringify({ pid: etcd.pid, dataDir: etcd.dataDir }));
  if (then === "exit") process.exit(3);
  if (then === "throw") throw new Error("on purpose");
  if (then === "wait") setInterval(() => {}, 1_000);
`;

/** Starts an etcd in a node process of its own: the leader of a process group, as a shell would start it. */
export async function startInChild(
  state: "running" | "paused",
  then: Then,
  source = "",
): Promise<StartedChild> {
  const { outputFiles } = await build({
    stdin: { contents: PROGRAM, resolveDir: join(import.meta.dirname, "..", "..") },
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["testcontainers"],
  });
  // testcontainers is resolved from where the program seems to be.
  const cwd = source === "container" ? join(import.meta.dirname, "..", "..") : await temporaryDirectory();
  const args = ["--input-type=module", "-", state, then, source];
  const child = spawn(process.execPath, args, { cwd, stdio: ["pipe", "pipe", "ignore"], detached: true });
  child.stdin.end(outputFiles[0]?.contents);
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`The program ended with code ${String(code)} before its etcd had started`);
  });
  const [line] = (await Promise.race([once(createInterface(child.stdout), "line"), ended])) as [string];
  ended.catch(() => {});
  return { child, ...(JSON.parse(line) as { pid: number; dataDir: string }) };
}
