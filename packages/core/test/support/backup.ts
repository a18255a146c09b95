import { cp, rm } from "node:fs/promises";
import type { EtcdServer } from "@quorumkit/testing";

/** A copy of a server's files. Taken and put back while the server is down, as with any backup of files. */
export class Backup {
  readonly #server: EtcdServer;
  readonly #directories: readonly string[];

  private constructor(server: EtcdServer) {
    this.#server = server;
    // Where the suite runs on clusters, three members stand behind a server.
    const { members = [server] } = server as { readonly members?: readonly EtcdServer[] };
    this.#directories = members.map(({ dataDir }) => dataDir);
  }

  static async take(server: EtcdServer): Promise<Backup> {
    const backup = new Backup(server);
    await server.stop();
    await backup.#each(async (directory, copy) => cp(directory, copy, { recursive: true }));
    await server.restart();
    return backup;
  }

  /** The server is what it was, with the same cluster id. */
  async restore(): Promise<void> {
    await this.#server.kill();
    await this.#each(async (directory, copy) => {
      await rm(directory, { recursive: true });
      await cp(copy, directory, { recursive: true });
    });
    await this.#server.restart();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#each(async (_, copy) => rm(copy, { recursive: true, force: true }));
  }

  async #each(act: (directory: string, copy: string) => Promise<void>): Promise<void> {
    await Promise.all(this.#directories.map(async (directory) => act(directory, `${directory}.backup`)));
  }
}
