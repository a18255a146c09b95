import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { type EtcdServer, findEtcdctl } from "@quorumkit/testing";
import { onTestFinished } from "vitest";

/** An `etcdctl` that goes on by itself, such as a watch. It ends with the test at the latest. */
export interface EtcdctlProcess {
  readonly process: ChildProcess;
  /** What it has printed so far, line by line. */
  readonly lines: readonly string[];
  /** Its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** Starts an etcdctl of the server's version against all endpoints. */
export async function spawnEtcdctl(server: EtcdServer, args: readonly string[]): Promise<EtcdctlProcess> {
  const child = await start(server, args);
  child.stdin.end();
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  return { process: child, lines, ended: once(child, "exit").then(([code]) => code as number | null) };
}

/** Runs an etcdctl that reads from its standard input, to its end, and gives what it printed. */
export async function feedEtcdctl(
  server: EtcdServer,
  args: readonly string[],
  input: string | Uint8Array,
): Promise<string> {
  const child = await start(server, args);
  const exit = once(child, "exit");
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  if (code !== 0) throw new Error(`etcdctl ${args.join(" ")} ended with ${String(code)}: ${stderr}`);
  return stdout;
}

async function start(server: EtcdServer, args: readonly string[]): Promise<ChildProcessWithoutNullStreams> {
  const path = await findEtcdctl(server.version);
  const child = spawn(path, [`--endpoints=${server.endpoints.join(",")}`, ...args], {
    env: { ...process.env, ETCDCTL_API: "3" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}
