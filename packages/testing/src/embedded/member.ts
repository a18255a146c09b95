import type { MemberServer } from "./member-server.ts";

/** One member of an embedded cluster, for tests to break. */
export class EmbeddedMember {
  readonly #server: MemberServer;
  readonly #isAlone: boolean;

  constructor(server: MemberServer, isAlone: boolean) {
    this.#server = server;
    this.#isAlone = isAlone;
  }

  get id(): bigint {
    return this.#server.id;
  }

  /** For example "etcd0". */
  get name(): string {
    return this.#server.name;
  }

  /** Its client URL, which it keeps over restarts, such as `http://127.0.0.1:34567`. */
  get endpoint(): string {
    return this.#server.endpoint;
  }

  /** Whether it listens. */
  get isRunning(): boolean {
    return this.#server.running;
  }

  /** Whether it has a leader: it runs, is not cut off, and a majority of the members is with it. */
  get hasLeader(): boolean {
    return this.#server.hasLeader;
  }

  /**
   * Cuts it off from the other members, not from its clients. Writes and linearizable reads to it wait for a leader and
   * fail after 7 s of the virtual clock, reads with UNAVAILABLE, "etcdserver: request timed out", writes with
   * DEADLINE_EXCEEDED, "context deadline exceeded"; serializable reads answer from what it had at the cut; calls and streams that ask for a leader (metadata `hasleader`) end with "etcdserver: no leader", at once and
   * not only after etcd's three election timeouts; its other watches are silent. If it led, another member leads now,
   * and every lease has its whole TTL again. If no majority is left, no member has a leader, and no lease expires.
   * @throws Error when there is no other member.
   */
  cutOff(): void {
    if (this.#isAlone) {
      throw new Error("A member that is alone cannot be cut off from others: start with at least 2 members");
    }
    this.#server.isolate(true);
  }

  /** Ends {@link cutOff}: it catches up, and its watches with it. */
  rejoin(): void {
    this.#server.isolate(false);
  }

  /** Ends it as a killed process ends. Its port is free until {@link start}. */
  async stop(): Promise<void> {
    await this.#server.stop();
  }

  /** Starts it again, on its port. */
  async start(): Promise<void> {
    await this.#server.start();
  }

  /** {@link stop} and {@link start}. */
  async restart(): Promise<void> {
    await this.#server.stop();
    await this.#server.start();
  }

  /** As {@link EmbeddedEtcd.stopAnswering}, for this member alone. */
  stopAnswering(): void {
    this.#server.stopAnswering();
  }

  /** Ends {@link stopAnswering}. */
  answerAgain(): void {
    this.#server.answerAgain();
  }

  /** Breaks every connection to it at once; it goes on, and takes new ones. */
  dropConnections(): void {
    this.#server.cutConnections();
  }
}
