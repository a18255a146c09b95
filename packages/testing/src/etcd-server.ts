import { setTimeout as sleep } from "node:timers/promises";
import { runEtcdctl } from "./etcdctl.ts";
import type { EtcdHost } from "./etcd-host.ts";
import { isAddressInUse, untilHealthy } from "./ready.ts";

/** What an etcd is doing: `stopped` is after `kill()` or `stop()`, or when it ended by itself. */
export type EtcdServerState = "running" | "paused" | "stopped" | "closed";

/** What an {@link EtcdServer} is made of. */
export interface EtcdServerParts {
  readonly host: EtcdHost;
  readonly name: string;
  readonly version: string;
  readonly endpoint: string;
  readonly flags: readonly string[];
  readonly startTimeoutMs: number;
}

const STOP_GRACE_MS = 5_000;
const PORT_WAIT_MS = 10_000;

/** One running etcd. It can be broken and mended at will; its endpoint and its data stay the same over restarts. */
export class EtcdServer implements AsyncDisposable {
  /** The member's name in its cluster. */
  readonly name: string;
  /** The version it says it is, such as "3.5.16". */
  readonly version: string;
  /** Its client URL, such as "http://127.0.0.1:40123". */
  readonly endpoint: string;
  readonly #parts: EtcdServerParts;
  readonly #host: EtcdHost;
  #paused = false;
  #closing: Promise<void> | undefined;

  /** Made by {@link startEtcd} and {@link startEtcdCluster}. */
  constructor(parts: EtcdServerParts) {
    this.#parts = parts;
    this.#host = parts.host;
    this.name = parts.name;
    this.version = parts.version;
    this.endpoint = parts.endpoint;
  }

  /** `[endpoint]`, for what takes a list. */
  get endpoints(): string[] {
    return [this.endpoint];
  }

  /** The directory of its data, as etcd itself sees it; in a container that is a path in the container. */
  get dataDir(): string {
    return this.#host.dataDir;
  }

  /** Its process id while it runs. */
  get pid(): number | undefined {
    return this.#host.pid;
  }

  get state(): EtcdServerState {
    if (this.#closing !== undefined) return "closed";
    if (this.#host.pid === undefined) return "stopped";
    return this.#paused ? "paused" : "running";
  }

  /** The end of what it has logged, over all its starts. */
  logs(): string {
    return this.#host.logs();
  }

  /** Ends it with SIGKILL, as a crash would. Resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Ends it with SIGTERM, as an operator would; with SIGKILL when that takes more than five seconds. */
  async stop(): Promise<void> {
    // A stopped process would not see the SIGTERM.
    if (this.#paused) await this.resume();
    await this.#end("SIGTERM");
  }

  /** Stops it with SIGSTOP: connections stay open, and nothing answers. */
  async pause(): Promise<void> {
    this.#assertRunning("pause");
    await this.#host.signal("SIGSTOP");
    this.#paused = true;
  }

  /** Lets a paused etcd go on. */
  async resume(): Promise<void> {
    this.#assertRunning("resume");
    await this.#host.signal("SIGCONT");
    this.#paused = false;
  }

  /**
   * Starts it again on the same ports with the data it has; a running one is stopped first. Resolves when it is ready.
   * @throws when it does not get ready, or when somebody else holds one of its ports for more than ten seconds.
   */
  async restart(): Promise<void> {
    await this.launch();
    await this.ready();
  }

  /** Ends it, and removes its data. May be called more than once. */
  close(): Promise<void> {
    this.#closing ??= this.#host.close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Runs the `etcdctl` of this etcd's version against it, and gives what it printed. */
  etcdctl(args: readonly string[], options: { readonly signal?: AbortSignal } = {}): Promise<string> {
    return runEtcdctl(this.version, this.endpoints, args, options.signal);
  }

  /** @internal Starts the process without waiting until it is ready: the members of a cluster get ready together. */
  async launch(): Promise<void> {
    if (this.#closing !== undefined) throw new Error(`Cannot start ${this.name} again: it is closed`);
    if (this.#host.pid !== undefined) await this.stop();
    await this.#host.start(this.#parts.flags);
    this.#paused = false;
  }

  /** @internal Waits until it is healthy. When a port of it was taken while it was down, waits for that port. */
  async ready(signal?: AbortSignal, portWaitMs: number = PORT_WAIT_MS): Promise<void> {
    const deadline = performance.now() + portWaitMs;
    for (;;) {
      try {
        await untilHealthy(this.#host, this.endpoint, this.#parts.startTimeoutMs, signal);
        return;
      } catch (error) {
        const again = isAddressInUse(error) && performance.now() < deadline;
        if (!again) throw error;
        await sleep(100);
        await this.launch();
      }
    }
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    if (this.#closing !== undefined) throw new Error(`Cannot end ${this.name}: it is closed`);
    await this.#host.signal(signal);
    const overdue = setTimeout(() => void this.#host.signal("SIGKILL").catch(() => {}), STOP_GRACE_MS);
    try {
      await this.#host.exited();
    } finally {
      clearTimeout(overdue);
    }
    this.#paused = false;
  }

  #assertRunning(verb: string): void {
    if (this.state === "closed" || this.state === "stopped") {
      throw new Error(`Cannot ${verb} ${this.name}: it is ${this.state}`);
    }
  }
}
