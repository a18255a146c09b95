import { cp, rm } from "node:fs/promises";
import type { EtcdServer } from "@quorumkit/testing";

/** A copy of a server's files. Taken and put back while the server is down, as with any backup of files. */
export class Backup {
  readonly #server: EtcdServer;
  readonly #copy: string;

  private constructor(server: EtcdServer) {
    this.#server = server;
    this.#copy = `${server.dataDir}.backup`;
  }

  static async take(server: EtcdServer): Promise<Backup> {
    const backup = new Backup(server);
    await server.stop();
    await cp(server.dataDir, backup.#copy, { recursive: true });
    await server.restart();
    return backup;
  }

  /** The server is what it was, with the same cluster id. */
  async restore(): Promise<void> {
    await this.#server.kill();
    await rm(this.#server.dataDir, { recursive: true });
    await cp(this.#copy, this.#server.dataDir, { recursive: true });
    await this.#server.restart();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#copy, { recursive: true, force: true });
  }
}
