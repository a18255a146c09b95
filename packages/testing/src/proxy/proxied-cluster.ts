import { setTimeout as sleep } from "node:timers/promises";
import type { EtcdCluster } from "../etcd-cluster.ts";
import { show } from "../check-options.ts";
import { checkCut, type CutOptions } from "./cut-options.ts";
import type { PeerLinks } from "./peer-links.ts";
import type { ProxiedMember } from "./proxied-member.ts";
import { delayRule } from "./rules.ts";

const POLL_MS = 50;
const LEADER_WAIT_MS = 15_000;

/**
 * A running cluster whose members reach each other, and are reached by clients, through fault proxies only: the URLs that
 * etcd advertises are the proxies'. What {@link ProxiedCluster.cluster} offers (kill, pause, restart, `leader`) goes past them.
 */
export class ProxiedCluster implements AsyncDisposable {
  readonly cluster: EtcdCluster;
  readonly members: readonly ProxiedMember[];
  readonly #links: PeerLinks;

  /** Made by {@link startProxiedCluster}. */
  constructor(cluster: EtcdCluster, members: readonly ProxiedMember[], links: PeerLinks) {
    this.cluster = cluster;
    this.members = members;
    this.#links = links;
  }

  /** What to give clients: the URLs of the proxies before the members' client ports. */
  get endpoints(): string[] {
    return this.members.map(({ endpoint }) => endpoint);
  }

  /** The version of its members. */
  get version(): string {
    return this.cluster.version;
  }

  /** Clients cannot reach this member. For them, `incoming` is their requests, and `outgoing` its answers. */
  cutFromClients(index: number, options: CutOptions = {}): void {
    const { how, way } = checkCut(options);
    const { clients } = this.#member(index);
    const direction = way === "both" ? way : way === "incoming" ? "requests" : "answers";
    if (how === "cut") {
      clients.refuse();
      clients.reset();
    } else if (how === "halfOpen") clients.halfOpen(direction);
    else clients.hold(direction);
  }

  /** This member and all others cannot reach each other, whoever dials. Clients still reach it. */
  cutFromPeers(index: number, options: CutOptions = {}): void {
    checkCut(options);
    for (const other of this.#othersOf(index)) this.#cut(index, other, options);
    this.#links.apply();
  }

  /** Two members cannot reach each other; `options.way` is as `index` sees it. All other links stay. */
  cutBetween(index: number, other: number, options: CutOptions = {}): void {
    checkCut(options);
    this.#pair(index, other);
    this.#cut(index, other, options);
    this.#links.apply();
  }

  /** Cuts a member from clients and from all other members. */
  isolate(index: number, options: CutOptions = {}): void {
    this.cutFromClients(index, options);
    this.cutFromPeers(index, options);
  }

  /** Everything between this member and the others arrives `ms` later, each way; 0 ends it. */
  delayPeers(index: number, ms: number): void {
    for (const other of this.#othersOf(index)) {
      this.#links.set(index, other, delayRule(ms));
      this.#links.set(other, index, delayRule(ms));
    }
    this.#links.apply();
  }

  /** Ends all faults of one member, its links to members that are cut off as well; without an index, of all. */
  heal(index?: number): void {
    for (const { index: each, clients, peers } of index === undefined
      ? this.members
      : [this.#member(index)]) {
      for (const other of this.#othersOf(each)) {
        this.#links.set(each, other, { fault: undefined, delayMs: 0 });
        this.#links.set(other, each, { fault: undefined, delayMs: 0 });
      }
      clients.heal();
      peers.heal();
    }
    this.#links.apply();
  }

  /**
   * The member that leads and that a majority, itself included, can exchange messages with: never one that was just cut off.
   * @throws when there is none within 15 seconds, such as without a majority.
   */
  async leader(options: { readonly signal?: AbortSignal } = {}): Promise<ProxiedMember> {
    const deadline = performance.now() + LEADER_WAIT_MS;
    for (;;) {
      const server = await this.cluster.leader(options);
      const leader = this.members.find((member) => member.server === server);
      if (leader !== undefined && this.#reachesMajority(leader.index)) return leader;
      if (performance.now() > deadline) {
        throw new Error(`No member that reaches a majority has led for ${LEADER_WAIT_MS} ms`);
      }
      await sleep(POLL_MS, undefined, { signal: options.signal });
    }
  }

  /** Ends all members, removes their data, and closes the proxies. May be called more than once. */
  async close(): Promise<void> {
    try {
      await this.cluster.close();
    } finally {
      await Promise.all(this.members.flatMap(({ clients, peers }) => [clients.close(), peers.close()]));
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #cut(index: number, other: number, options: CutOptions): void {
    const { how, way } = checkCut(options);
    if (way !== "incoming") this.#links.set(index, other, { fault: how });
    if (way !== "outgoing") this.#links.set(other, index, { fault: how });
  }

  #reachesMajority(index: number): boolean {
    const reached = this.#othersOf(index).filter(
      (other) =>
        this.#links.state(index, other).fault === undefined &&
        this.#links.state(other, index).fault === undefined,
    );
    return reached.length + 1 > this.members.length / 2;
  }

  #othersOf(index: number): number[] {
    this.#member(index);
    return this.members.map((member) => member.index).filter((other) => other !== index);
  }

  #pair(index: number, other: number): void {
    this.#member(index);
    this.#member(other);
    if (index === other) throw new TypeError(`Expected other to be another member than ${index}`);
  }

  #member(index: number): ProxiedMember {
    const member = this.members[index];
    if (member === undefined) {
      throw new TypeError(
        `Expected index to be a whole number from 0 to ${this.members.length - 1}, got ${show(index)}`,
      );
    }
    return member;
  }
}
