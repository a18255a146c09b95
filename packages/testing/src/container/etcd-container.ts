import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { StartedTestContainer, WaitStrategy } from "testcontainers";
import { AddressInUseError, type EtcdHost, type EtcdSignal, type MemberAddress } from "../etcd-host.ts";
import { removeWhenGone } from "./last-will.ts";
import type { ClusterNetwork } from "./network.ts";
import type { Testcontainers } from "./testcontainers.ts";

const TAIL_CHARACTERS = 64 * 1024;
const DRAIN_MS = 1_000;

/** What an {@link EtcdContainer} is made of. */
export interface EtcdContainerParts {
  readonly library: Testcontainers;
  readonly image: string;
  readonly member: MemberAddress;
  readonly env: Readonly<Record<string, string>>;
  readonly network: ClusterNetwork;
}

/** An etcd in a container. Its data is in the container, which is kept, stopped, until it is closed. */
export class EtcdContainer implements EtcdHost {
  readonly dataDir = "/etcd-data";
  readonly #parts: EtcdContainerParts;
  readonly #name = `quorumkit-etcd-${randomUUID()}`;
  #started: StartedTestContainer | undefined;
  #release: (() => Promise<void>) | undefined;
  #pid: number | undefined;
  #exited: Promise<void> = Promise.resolve();
  #logs = "";

  constructor(parts: EtcdContainerParts) {
    this.#parts = parts;
  }

  get pid(): number | undefined {
    return this.#pid;
  }

  async start(flags: readonly string[]): Promise<void> {
    const since = Math.floor(Date.now() / 1_000);
    try {
      if (this.#started === undefined) await this.#create(flags);
      else await (await this.#container()).start();
    } catch (error) {
      if (!/port is already allocated|address already in use/.test((error as Error).message)) throw error;
      throw new AddressInUseError((error as Error).message, { cause: error });
    }
    const container = await this.#container();
    this.#pid = (await container.inspect()).State.Pid;
    const { end } = await this.#follow(since);
    const gone = (): void => void (this.#pid = undefined);
    // It rejects when the container was removed. What was logged last comes over another connection, a little later.
    const ended = container.wait().then(gone, gone);
    this.#exited = ended.then(() => Promise.race([end, sleep(DRAIN_MS)]));
  }

  /** Reads the log from now on; resolves with a promise for its end. */
  async #follow(sinceSeconds: number): Promise<{ readonly end: Promise<void> }> {
    const stream = await this.#started?.logs({ since: sinceSeconds });
    stream?.on("data", (chunk: string) => (this.#logs = (this.#logs + chunk).slice(-TAIL_CHARACTERS)));
    return { end: new Promise((resolve) => stream?.once("end", resolve)) };
  }

  async signal(name: EtcdSignal): Promise<void> {
    if (this.#pid === undefined) return;
    const container = await this.#container();
    await container.kill({ signal: name }).catch((error: { statusCode?: number }) => {
      // "is not running": it ended in between.
      if (error.statusCode !== 409) throw error;
    });
  }

  exited(): Promise<void> {
    return this.#exited;
  }

  logs(): string {
    return this.#logs;
  }

  async close(): Promise<void> {
    try {
      await this.#remove();
      this.#pid = undefined;
    } finally {
      await this.#parts.network.leave();
    }
  }

  async #create(flags: readonly string[]): Promise<void> {
    const { library, image, member, env, network } = this.#parts;
    this.#release = await removeWhenGone(library, `/containers/${this.#name}?force=true&v=true`);
    try {
      this.#started = await new library.GenericContainer(image)
        .withName(this.#name)
        .withEntrypoint(["etcd"])
        .withCommand([...flags])
        .withEnvironment({ ...env })
        .withNetwork(network.network)
        .withNetworkAliases(member.name)
        // The same port outside, chosen by us: what the engine chooses would change when the container starts again.
        .withExposedPorts({ container: member.clientPort, host: member.clientPort })
        .withWaitStrategy(readyAtOnce)
        .start();
    } catch (error) {
      await this.#remove();
      throw error;
    }
  }

  async #remove(): Promise<void> {
    const container = await this.#container();
    await container.remove({ force: true, v: true }).catch((error: { statusCode?: number }) => {
      if (error.statusCode !== 404) throw error;
    });
    await this.#release?.();
    this.#release = undefined;
  }

  async #container() {
    const client = await this.#parts.library.getContainerRuntimeClient();
    return client.container.getById(this.#name);
  }
}

/** Whether etcd is ready is found out in the same way for a process and for a container, so nothing is waited for here. */
const readyAtOnce: WaitStrategy = {
  waitUntilReady: () => Promise.resolve(),
  withStartupTimeout: () => readyAtOnce,
  isStartupTimeoutSet: () => false,
  getStartupTimeout: () => 0,
};
