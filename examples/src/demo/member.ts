import { type ChildProcess, fork } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Report, Request } from "./messages.ts";

/** A process of the demo, and what it has said. */
export class Member extends EventEmitter<{ report: [Report] }> {
  readonly name: string;
  readonly #process: ChildProcess;

  constructor(name: string, program: "orders" | "client", args: readonly string[]) {
    super();
    this.name = name;
    this.#process = fork(fileURLToPath(new URL(`./${program}.js`, import.meta.url)), args);
    this.#process.on("message", (message) => this.emit("report", message as Report));
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  ask(please: Request["please"]): void {
    if (this.#process.connected) this.#process.send({ please });
  }

  /** As an out-of-memory killer does it: no word to anybody. */
  async kill(): Promise<void> {
    if (!this.running) return;
    this.#process.kill("SIGKILL");
    await once(this.#process, "exit");
  }

  async exited(): Promise<number | null> {
    if (this.running) await once(this.#process, "exit");
    return this.#process.exitCode;
  }
}
