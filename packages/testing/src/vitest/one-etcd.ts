import type { TestEtcd } from "./test-etcd.ts";

/**
 * One etcd for all who use it at the same time: the first starts it, and the last closes it. Vitest sets a fixture of a file
 * up once for `test` and once more for each `test.extend(…)` of it, and takes them all down at the end of the file.
 */
export class OneEtcd<Server extends TestEtcd> {
  readonly #start: () => Promise<Server>;
  #running: Promise<Server> | undefined;
  #users = 0;

  constructor(start: () => Promise<Server>) {
    this.#start = start;
  }

  async use(work: (etcd: Server) => Promise<void>): Promise<void> {
    this.#users += 1;
    try {
      this.#running ??= this.#start();
      await work(await this.#running);
    } finally {
      this.#users -= 1;
      if (this.#users === 0) await this.#close();
    }
  }

  async #close(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    // Whoever asked for one that did not start has its error.
    const etcd = await running?.catch(() => undefined);
    await etcd?.close();
  }
}
