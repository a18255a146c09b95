import { announceOnce } from "../announce.ts";
import { errors } from "./errors.ts";
import type { FailCallOptions, FailingCalls } from "./faults/fail-rule.ts";
import { checkEach, isBigInt, isBoolean, show } from "../check-options.ts";
import { FaultBook } from "./faults/fault-book.ts";
import type { HeldCalls, HoldOptions } from "./faults/hold.ts";
import type { OpenStream } from "./faults/open-stream.ts";
import {
  dropStreams,
  stallStreams,
  type DropStreamsOptions,
  type Stall,
  type StreamFilter,
} from "./faults/stream-faults.ts";
import { createServers, randomId } from "./create-servers.ts";
import type { MemberServer } from "./member-server.ts";
import { EmbeddedMember } from "./member.ts";
import { resolveOptions, type EmbeddedEtcdOptions } from "./options.ts";
import { SharedState } from "./shared-state.ts";

const notice =
  "@quorumkit/testing: an embedded etcd, for development and tests. It keeps nothing on disk: what is in it ends with this process.";

/**
 * An etcd inside this process: the v3 API over gRPC, for any client, and everything about it under a test's control.
 * It keeps nothing on disk, and is for development and tests only.
 *
 * @example
 * await using etcd = await EmbeddedEtcd.start();
 * const client = new EtcdClient({ endpoints: etcd.endpoints });
 */
export class EmbeddedEtcd implements AsyncDisposable {
  /** The members, in the order of their numbers. */
  readonly members: readonly EmbeddedMember[];
  readonly #servers: readonly MemberServer[];
  readonly #state: SharedState;
  readonly #faults: FaultBook;
  /** Restarts one after the other, and the end after the last. */
  #restarting: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;
  readonly #stalls = new Set<Stall>();

  private constructor(servers: readonly MemberServer[], state: SharedState, faults: FaultBook) {
    this.#servers = servers;
    this.#state = state;
    this.#faults = faults;
    this.members = servers.map((server) => new EmbeddedMember(server, servers.length === 1));
  }

  /**
   * Starts one, ready to serve when this resolves.
   * @throws TypeError for an option that is unknown or wrong
   * @throws Error when a port that was asked for is taken
   */
  static async start(options: EmbeddedEtcdOptions = {}): Promise<EmbeddedEtcd> {
    const resolved = resolveOptions(options);
    const faults = new FaultBook();
    const state = new SharedState({ ...resolved, clusterId: randomId() });
    const servers = createServers(resolved, state, faults);
    const etcd = new EmbeddedEtcd(servers, state, faults);
    try {
      for (const server of servers) await server.start();
    } catch (error) {
      await etcd.close();
      throw error;
    }
    if (!resolved.quiet) announceOnce(notice);
    return etcd;
  }

  /** The client URL of the first member. */
  get endpoint(): string {
    return this.endpoints[0] ?? "";
  }

  /** The client URLs of all members. */
  get endpoints(): readonly string[] {
    return this.members.map(({ endpoint }) => endpoint);
  }

  /** The store's revision: 1 in a new one. */
  get revision(): bigint {
    return this.#state.store.revision;
  }

  /** The member that leads; `undefined` when there is no majority. */
  get leader(): EmbeddedMember | undefined {
    return this.members.find(({ id }) => id === this.#state.leaderId);
  }

  /**
   * Moves the virtual clock forward; it runs with real time otherwise. Leases expire, unused tokens end, and waits of the server
   * are over, in their order, as if that time had passed. Clocks of clients are not moved.
   * @param ms Not negative.
   */
  async advance(ms: number): Promise<void> {
    await this.#state.clock.advance(ms);
  }

  /**
   * Lets a lease expire now: its keys are deleted in one revision.
   * @throws Error when there is no such lease.
   */
  expireLease(id: bigint): void {
    if (typeof id !== "bigint")
      throw new TypeError(`expireLease: expected id to be a bigint, got ${show(id)}`);
    this.#state.leases.expire(id);
  }

  /** Lets the tokens of all logins expire now, on all members. Whoever uses one has to log in again. */
  expireTokens(): void {
    this.#state.auth.expireTokens();
  }

  /**
   * Forgets the history before a revision, which can still be read.
   * @param revision Default: the present one.
   * @throws Error when it is compacted already, or in the future.
   */
  compact(revision: bigint = this.revision): void {
    if (typeof revision !== "bigint") {
      throw new TypeError(`compact: expected revision to be a bigint, got ${show(revision)}`);
    }
    this.#state.store.compact(revision);
  }

  /**
   * Lets the n-th call of a method from now on fail, before it is done or after.
   * @param method Such as "Put" or "LeaseGrant"; also a path, such as "/grpc.health.v1.Health/Watch". For a stream, its opening fails.
   */
  failCall(method: string, options: FailCallOptions = {}): FailingCalls {
    this.#checkMember("failCall", options);
    return this.#faults.failCall(method, options);
  }

  /** Holds the answers to a method, or its requests, until the release. */
  hold(method: string, options: HoldOptions = {}): HeldCalls {
    this.#checkMember("hold", options);
    return this.#faults.hold(method, options);
  }

  /**
   * Ends open streams, one or all, such as those of "Watch" or "LeaseKeepAlive", with a status.
   * @returns how many were open.
   */
  dropStreams(method: string, options: DropStreamsOptions = {}): number {
    this.#checkMember("dropStreams", options);
    return dropStreams(this.#streams(), method, options);
  }

  /** Lets nothing pass on open streams, one or all, in either direction until the release. Streams opened later are not stalled. */
  stallStreams(method: string, options: StreamFilter = {}): Stall {
    this.#checkMember("stallStreams", options);
    const stall = stallStreams(this.#streams(), method, options);
    this.#stalls.add(stall);
    return stall;
  }

  /** Breaks every connection at once; the servers go on, and take new ones. */
  dropConnections(): void {
    for (const server of this.#servers) server.cutConnections();
  }

  /**
   * Lets no byte in or out, while every connection stays open and new ones are accepted: not even an HTTP/2 ping is answered.
   * What was asked before is done, and the clock runs on.
   */
  stopAnswering(): void {
    for (const server of this.#servers) server.stopAnswering();
  }

  /** Ends {@link stopAnswering}: what was asked in between is done and answered, if its client still waits. */
  answerAgain(): void {
    for (const server of this.#servers) server.answerAgain();
  }

  /**
   * Takes all faults back: what {@link failCall}, {@link hold} and {@link stallStreams} ordered, {@link stopAnswering}, and
   * members that are cut off. Members that were stopped stay so, and what is lost stays lost.
   */
  heal(): void {
    this.#faults.clear();
    for (const stall of this.#stalls) stall.release();
    this.#stalls.clear();
    this.answerAgain();
    for (const server of this.#servers) server.isolate(false);
  }

  /**
   * Ends all members that run as killed processes end, and starts them again on their ports. Connections break, tokens are
   * forgotten, and every lease has its whole TTL again.
   * @param options `keepData`: default `true`; `false`: no keys, no leases, no users; revision 1.
   */
  async restart(options: { readonly keepData?: boolean } = {}): Promise<void> {
    checkEach(options, { keepData: isBoolean }, "restart");
    await this.#whileStopped(() => {
      if (options.keepData === false) this.#reset(() => this.#state.clear());
    });
  }

  /**
   * Goes back to an earlier revision, as a cluster does that is restored from a backup: later writes are gone, their
   * revisions are given again, and connections break as in a {@link restart}. Users and roles stay as they are, since their
   * changes have no revision.
   * @throws Error when that revision is compacted, or in the future.
   */
  async rollBack(options: { readonly to: bigint }): Promise<void> {
    checkEach(options, { to: isBigInt }, "rollBack");
    if (options.to === undefined)
      throw new TypeError('rollBack: expected option "to" to be a bigint, got undefined');
    const { to } = options;
    const { store } = this.#state;
    // Before anything is stopped.
    if (to > store.revision) throw errors.futureRevision();
    if (to < 1n || to < store.compactRevision) throw errors.compacted();
    await this.#whileStopped(() => {
      this.#reset(() => store.rollBackTo(to));
    });
  }

  /** Ends everything; nothing of it keeps the process alive. Further calls do nothing. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    await this.#restarting.catch(() => undefined);
    this.#faults.clear();
    await Promise.all(this.#servers.map((server) => server.close()));
    this.#state.leases.clear();
    this.#state.clock.close();
  }

  async #whileStopped(work: () => void): Promise<void> {
    if (this.#closing !== undefined) throw new Error("the embedded etcd is closed");
    const previous = this.#restarting.catch(() => undefined);
    this.#restarting = previous.then(() => this.#stopAndStart(work));
    await this.#restarting;
  }

  async #stopAndStart(work: () => void): Promise<void> {
    const running = this.#servers.filter((server) => server.running);
    await Promise.all(running.map((server) => server.stop()));
    try {
      work();
    } finally {
      for (const server of running) await server.start();
    }
  }

  #reset(work: () => void): void {
    work();
    for (const server of this.#servers) server.forgetCut();
  }

  #checkMember(where: string, options: { readonly member?: string }): void {
    const names = this.members.map(({ name }) => name);
    const member: unknown = (options as { readonly member?: string } | null)?.member;
    if (typeof member === "string" && !names.includes(member)) {
      throw new TypeError(
        `${where}: expected option "member" to be one of ${names.join(", ")}, got ${show(member)}`,
      );
    }
  }

  #streams(): OpenStream[] {
    return this.#servers.flatMap(({ streams }) => [...streams]);
  }
}
