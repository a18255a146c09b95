import { setTimeout as sleep } from "node:timers/promises";
import type { EtcdServer } from "./etcd-server.ts";
import { memberStatus } from "./status.ts";

const POLL_MS = 50;
const LEADER_WAIT_MS = 15_000;

/** A running cluster of etcds, each of which can be broken and mended on its own. */
export class EtcdCluster implements AsyncDisposable {
  /** The members, in the order of their names. */
  readonly members: readonly EtcdServer[];

  /** Made by {@link startEtcdCluster}. */
  constructor(members: readonly EtcdServer[]) {
    this.members = members;
  }

  /** The client URLs of all members, whether they run or not. */
  get endpoints(): string[] {
    return this.members.map(({ endpoint }) => endpoint);
  }

  /** The version of its members. */
  get version(): string {
    return this.members[0]?.version ?? "";
  }

  /**
   * The member that leads, as the running members see it. Waits until a majority of all members agree on a leader that
   * runs, so that a member that was just killed or paused is never given.
   * @throws when there is none within 15 seconds, such as without a majority.
   */
  async leader(options: { readonly signal?: AbortSignal } = {}): Promise<EtcdServer> {
    const deadline = performance.now() + LEADER_WAIT_MS;
    for (;;) {
      options.signal?.throwIfAborted();
      const leader = await this.#agreedLeader();
      if (leader !== undefined) return leader;
      if (performance.now() > deadline) {
        const states = this.members.map(({ name, state }) => `${name} is ${state}`).join(", ");
        throw new Error(`The cluster has had no leader for ${LEADER_WAIT_MS} ms: ${states}`);
      }
      await sleep(POLL_MS);
    }
  }

  /** Ends all members, and removes their data. May be called more than once. */
  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #agreedLeader(): Promise<EtcdServer | undefined> {
    const running = this.members.filter(({ state }) => state === "running");
    const statuses = await Promise.all(running.map((member) => memberStatus(member.endpoint)));
    for (const [index, status] of statuses.entries()) {
      if (status === undefined || status.leader !== status.memberId) continue;
      const followers = statuses.filter(
        (other) => other?.leader === status.memberId && other.term === status.term,
      );
      if (followers.length > this.members.length / 2) return running[index];
    }
    return undefined;
  }
}
