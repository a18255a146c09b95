import type { ResponseHeaderInput } from "@quorumkit/proto";
import { AuthStore } from "./auth/auth-store.ts";
import { VirtualClock } from "./clock.ts";
import { Kv, type KvOptions } from "./kv/kv.ts";
import { LeaseBook } from "./lease/lease-book.ts";
import { MvccStore } from "./mvcc/store.ts";
import type { Quorum } from "./quorum.ts";
import type { EmbeddedState, MemberView } from "./state.ts";

/** What is decided when a cluster is made. */
export interface SharedStateOptions extends KvOptions {
  readonly version: string;
  readonly clusterId: bigint;
  readonly minTtlSeconds?: number;
  readonly tokenTtlSeconds?: number;
}

/** The state of a cluster while it is in order. */
export class SharedState implements EmbeddedState {
  readonly store: MvccStore = new MvccStore();
  readonly clock: VirtualClock = new VirtualClock();
  readonly leases: LeaseBook;
  readonly kv: Kv;
  readonly auth: AuthStore;
  readonly clusterId: bigint;
  readonly kvOptions: KvOptions;
  #members: readonly MemberView[] = [];
  #quorum: Quorum | undefined;

  constructor({ clusterId, minTtlSeconds = 2, tokenTtlSeconds = 300, ...kvOptions }: SharedStateOptions) {
    const { store, clock } = this;
    this.clusterId = clusterId;
    this.kvOptions = kvOptions;
    this.leases = new LeaseBook({ store, clock, minTtlSeconds });
    this.kv = new Kv(store, this.leases, kvOptions);
    this.auth = new AuthStore({ clock, tokenTtlSeconds, version: kvOptions.version });
  }

  /** To be called once, before the first call is answered. */
  setMembers(members: readonly MemberView[], quorum: Quorum): void {
    this.#members = members;
    this.#quorum = quorum;
  }

  get members(): readonly MemberView[] {
    return this.#members;
  }

  get term(): bigint {
    return this.#quorum?.term ?? 0n;
  }

  get leaderId(): bigint | undefined {
    return this.#quorum?.leaderId;
  }

  header(member: MemberView, revision: bigint = this.store.revision): ResponseHeaderInput {
    return { clusterId: this.clusterId, memberId: member.id, revision, raftTerm: this.term };
  }

  /** As a new cluster with the same members: no keys, no leases, no users. */
  clear(): void {
    this.leases.clear();
    this.store.clear();
    this.auth.clear();
  }
}
