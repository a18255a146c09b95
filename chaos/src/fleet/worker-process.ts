import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Counts, Order, Report, Standing } from "../messages.ts";

export interface WorkerParts {
  readonly name: string;
  readonly index: number;
  readonly seed: string;
  readonly directory: string;
  readonly endpoints: readonly string[];
  /** Hears of what must not be: a process that ended unasked. */
  readonly onFault: (text: string) => void;
}

const PROGRAM = fileURLToPath(new URL("../worker.js", import.meta.url));
const STOP_MS = 15_000;

/** One worker: one process after the other. */
export class WorkerProcess {
  readonly name: string;
  readonly #parts: WorkerParts;
  #process: ChildProcess | undefined;
  #life = 0;
  #tellings = 0;
  readonly #told = new Map<number, (standing: Standing) => void>();
  /** What the present process has counted last, and what those before it had. */
  #counts: Counts = {};
  readonly #earlier: Counts[] = [];
  /** The process was killed by the run, or told to stop. */
  #expected = false;
  #paused = false;
  readonly holding = { lock: 0, leader: 0 };

  constructor(parts: WorkerParts) {
    this.name = parts.name;
    this.#parts = parts;
  }

  get counts(): readonly Counts[] {
    return [...this.#earlier, this.#counts];
  }

  get lives(): number {
    return this.#life;
  }

  get running(): boolean {
    return (
      this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null
    );
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Resolves when it works. */
  async start(): Promise<void> {
    const { name, index, seed, directory, endpoints, onFault } = this.#parts;
    this.#earlier.push(this.#counts);
    this.#counts = {};
    this.#expected = false;
    this.#life += 1;
    this.holding.lock = 0;
    this.holding.leader = 0;
    const life = this.#life;
    const args = [name, String(index), String(life), seed, directory, ...endpoints];
    const child = fork(PROGRAM, args, {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      execArgv: ["--enable-source-maps"],
    });
    this.#process = child;
    const log = createWriteStream(join(directory, `${name}.${life}.log`));
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    child.on("close", () => log.end());
    child.on("exit", (code, signal) => {
      if (!this.#expected || (code !== null && code !== 0))
        onFault(`worker ${name}.${life} ended with ${code ?? signal}; see its log`);
    });
    const ready = new Promise<void>((resolve, reject) => {
      child.on("message", (message) => this.#note(message as Report, resolve));
      child.once("exit", () => reject(new Error(`worker ${name}.${life} ended before it worked`)));
    });
    // The run may end it meanwhile; then nobody waits any more.
    ready.catch(() => {});
    await ready;
  }

  /** As an out-of-memory killer does it. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || !this.running) return;
    this.#expected = true;
    this.#paused = false;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  /** SIGSTOP: it does nothing, and does not know. */
  pause(): void {
    this.#paused = this.#process?.kill("SIGSTOP") === true;
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
    this.#paused = false;
  }

  send(order: Order): void {
    if (this.#process?.connected === true) this.#process.send(order);
  }

  /** Where it stands; undefined when it does not answer in time. */
  async standing(timeoutMs: number): Promise<Standing | undefined> {
    const id = (this.#tellings += 1);
    return new Promise((resolve) => {
      const end = (standing: Standing | undefined): void => {
        clearTimeout(timer);
        this.#told.delete(id);
        resolve(standing);
      };
      const timer = setTimeout(() => end(undefined), timeoutMs);
      this.#told.set(id, end);
      this.send({ please: "tell", id });
    });
  }

  /** Asks it to end; false when it had to be killed. */
  async stop(): Promise<boolean> {
    const child = this.#process;
    if (child === undefined || !this.running) return true;
    this.#expected = true;
    const exited = once(child, "exit");
    this.send({ please: "stop" });
    let inTime = true;
    const overdue = setTimeout(() => {
      inTime = false;
      child.kill("SIGKILL");
    }, STOP_MS);
    await exited;
    clearTimeout(overdue);
    return inTime;
  }

  #note(report: Report, ready: () => void): void {
    switch (report.is) {
      case "ready":
        ready();
        return;
      case "holding":
        this.holding[report.what] += report.yes ? 1 : -1;
        return;
      case "counts":
        this.#counts = report.counts;
        return;
      case "told":
        this.#told.get(report.id)?.(report.standing);
        return;
      case "stopped":
        return;
    }
  }
}
