import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { etcdEnvironment } from "../binary/probe.ts";
import type { FoundBinary } from "../binary/source.ts";
import type { EtcdHost, EtcdSignal } from "../etcd-host.ts";
import { Supervisor } from "./supervisor.ts";

const TAIL_BYTES = 64 * 1024;

/** An etcd as a process of this machine, in a temporary directory that the supervisor removes when we are gone. */
export class EtcdProcess implements EtcdHost {
  readonly #supervisor: Supervisor;
  readonly #binary: FoundBinary;
  readonly #env: NodeJS.ProcessEnv;
  readonly #directory: string;
  #pid: number | undefined;
  #exited: Promise<void> = Promise.resolve();
  #lastLogs = "";

  static async create(binary: FoundBinary, env: Readonly<Record<string, string>>): Promise<EtcdProcess> {
    const supervisor = Supervisor.shared();
    const directory = await supervisor.open(join(tmpdir(), "quorumkit-etcd-"));
    const created = new EtcdProcess(supervisor, binary, env, directory);
    await mkdir(created.dataDir, { mode: 0o700 });
    return created;
  }

  private constructor(
    supervisor: Supervisor,
    binary: FoundBinary,
    env: Readonly<Record<string, string>>,
    directory: string,
  ) {
    this.#supervisor = supervisor;
    this.#binary = binary;
    this.#env = etcdEnvironment(env);
    this.#directory = directory;
  }

  get dataDir(): string {
    return join(this.#directory, "data");
  }

  get pid(): number | undefined {
    return this.#pid;
  }

  async start(flags: readonly string[]): Promise<void> {
    let ended = false;
    let onExit = (): void => {};
    this.#exited = new Promise((resolve) => {
      onExit = (): void => {
        ended = true;
        this.#pid = undefined;
        resolve();
      };
    });
    const { path: command } = this.#binary;
    const place = { directory: this.#directory, log: this.#logFile };
    const starting = this.#supervisor.spawn({ ...place, command, args: flags, env: this.#env }, onExit);
    // A process that could not be started has ended, for whoever waits.
    const pid = await starting.catch((error: unknown) => {
      onExit();
      throw error;
    });
    if (!ended) this.#pid = pid;
  }

  async signal(name: EtcdSignal): Promise<void> {
    await this.#supervisor.signal(this.#directory, name);
  }

  exited(): Promise<void> {
    return this.#exited;
  }

  logs(): string {
    let file: number;
    try {
      file = openSync(this.#logFile, "r");
    } catch {
      return this.#lastLogs;
    }
    try {
      const { size } = fstatSync(file);
      const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
      const length = readSync(file, tail, 0, tail.length, size - tail.length);
      return tail.toString("utf8", 0, length);
    } finally {
      closeSync(file);
    }
  }

  async close(): Promise<void> {
    this.#lastLogs = this.logs();
    await this.#supervisor.close(this.#directory);
    this.#pid = undefined;
  }

  get #logFile(): string {
    return join(this.#directory, "etcd.log");
  }
}
