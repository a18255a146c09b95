import { spawn, type ChildProcess } from "node:child_process";
import { SUPERVISOR_SCRIPT } from "./supervisor-script.ts";

/** A process for the supervisor to start. */
export interface SupervisedCommand {
  /** From {@link Supervisor.open}; it works in there. One process per directory at a time. */
  readonly directory: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** The file to whose end its output goes: a file, because a pipe that nobody reads for a while would hold it up. */
  readonly log: string;
}

interface Answer {
  readonly id?: number;
  readonly value?: unknown;
  readonly error?: string;
  readonly exited?: string;
}

interface Running {
  pid: number | undefined;
  readonly onExit: () => void;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/**
 * A child process that owns etcd processes and their directories for us, and clears them away when we are gone.
 * One serves the whole test process. It never keeps this process alive, except while an answer is awaited.
 */
export class Supervisor {
  static #shared: Supervisor | undefined;

  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  readonly #running = new Map<string, Running>();
  #lastId = 0;

  /** The supervisor of this process, started when first needed. */
  static shared(): Supervisor {
    Supervisor.#shared ??= new Supervisor(Supervisor.#start());
    return Supervisor.#shared;
  }

  static #start(): ChildProcess {
    return spawn(process.execPath, ["-e", SUPERVISOR_SCRIPT], {
      detached: true,
      cwd: "/",
      // Loaders and inspectors meant for the tests have no business in there.
      env: { ...process.env, NODE_OPTIONS: "" },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#child.on("message", (message) => this.#receive(message as Answer));
    this.#child.once("error", (error) => this.#fail(error));
    this.#child.once("exit", (code, signal) =>
      this.#fail(new Error(`The supervisor of the etcd processes ended (${signal ?? `code ${code}`})`)),
    );
    this.#child.unref();
    this.#child.channel?.unref();
  }

  /** A new temporary directory that starts with `prefix`; it lives until {@link close}, or until this process ends. */
  open(prefix: string): Promise<string> {
    return this.#ask("open", { prefix }) as Promise<string>;
  }

  /** Starts a process; gives its id. `onExit` is called when it ends, which may be before its id is given. */
  async spawn(command: SupervisedCommand, onExit: () => void): Promise<number> {
    const running: Running = { pid: undefined, onExit };
    this.#running.set(command.directory, running);
    try {
      const pid = (await this.#ask("spawn", command)) as number;
      running.pid = pid;
      return pid;
    } catch (error) {
      this.#running.delete(command.directory);
      throw error;
    }
  }

  /** Sends a signal to the directory's process; `false` when it has none. */
  signal(directory: string, name: NodeJS.Signals): Promise<boolean> {
    return this.#ask("signal", { directory, name }) as Promise<boolean>;
  }

  /** Kills the directory's process, if any, and removes the directory. */
  async close(directory: string): Promise<void> {
    await this.#ask("close", { directory });
  }

  /** Has an HTTP request made when this process is gone, unless the returned function was called. */
  async hold(request: object): Promise<() => Promise<void>> {
    const key = ++this.#lastId;
    await this.#ask("hold", { key, request });
    return async () => {
      await this.#ask("release", { key });
    };
  }

  #ask(operation: string, parameters: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#pending.set(id, { resolve, reject });
      this.#child.channel?.ref();
      this.#child.send({ id, operation, ...parameters }, (error) => {
        if (error !== null) this.#settle({ id, error: error.message });
      });
    });
  }

  #receive(message: Answer): void {
    if (message.id !== undefined) this.#settle(message);
    else if (message.exited !== undefined) this.#ended(message.exited);
  }

  #settle({ id, value, error }: Answer): void {
    const pending = this.#pending.get(id ?? 0);
    if (pending === undefined) return;
    this.#pending.delete(id ?? 0);
    if (this.#pending.size === 0) this.#child.channel?.unref();
    if (error === undefined) pending.resolve(value);
    else pending.reject(new Error(error));
  }

  #fail(error: Error): void {
    if (Supervisor.#shared === this) Supervisor.#shared = undefined;
    for (const id of this.#pending.keys()) this.#settle({ id, error: error.message });
    // What it held would be nobody's now.
    for (const [directory, { pid }] of this.#running) {
      if (pid !== undefined) killQuietly(pid);
      this.#ended(directory);
    }
  }

  #ended(directory: string): void {
    const running = this.#running.get(directory);
    this.#running.delete(directory);
    running?.onExit();
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It had ended already.
  }
}
