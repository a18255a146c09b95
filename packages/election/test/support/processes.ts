import { build } from "esbuild";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The candidate program, bundled from the sources so that no earlier build is tested by mistake. */
export interface HolderProgram {
  start(endpoint: string, name: string, value: string, ttlSeconds: number): Holder;
  remove(): Promise<void>;
}

type Message = Readonly<Record<string, unknown>> & { readonly event: string };

/** A running candidate. */
export class Holder {
  readonly process: ChildProcess;
  readonly #messages: Message[] = [];
  #wake: (() => void) | undefined;

  constructor(process: ChildProcess) {
    this.process = process;
    if (process.stdout === null) throw new Error("stdout is not a pipe");
    createInterface({ input: process.stdout }).on("line", (line) => {
      this.#messages.push(JSON.parse(line) as Message);
      this.#wake?.();
    });
  }

  /** The next message of this kind; what came before it is dropped. */
  async next(event: string): Promise<Message> {
    for (;;) {
      const message = this.#messages.shift();
      if (message?.event === event) return message;
      if (message === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  send(command: "look" | "write" | "guard" | "close"): void {
    this.process.stdin?.write(`${command}\n`);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exited = once(this.process, "exit");
    this.process.kill(signal);
    await exited;
  }
}

export async function buildHolder(): Promise<HolderProgram> {
  const directory = await mkdtemp(join(tmpdir(), "quorumkit-holder-"));
  const program = join(directory, "holder.cjs");
  await build({
    entryPoints: [fileURLToPath(new URL("holder.ts", import.meta.url))],
    outfile: program,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    conditions: ["@quorumkit/source"],
    logLevel: "error",
  });
  return {
    start: (endpoint, name, value, ttlSeconds) =>
      new Holder(
        spawn(process.execPath, [program, endpoint, name, value, String(ttlSeconds)], {
          stdio: ["pipe", "pipe", "inherit"],
        }),
      ),
    remove: () => rm(directory, { recursive: true }),
  };
}
