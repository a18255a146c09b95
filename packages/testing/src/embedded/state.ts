import type { ResponseHeaderInput } from "@quorumkit/proto";
import type { AuthStore } from "./auth/auth-store.ts";
import type { VirtualClock } from "./clock.ts";
import type { Kv } from "./kv/kv.ts";
import type { LeaseBook } from "./lease/lease-book.ts";
import type { MvccStore } from "./mvcc/store.ts";

/** One member as the others, and its own handlers, see it. */
export interface MemberView {
  readonly id: bigint;
  /** For example "etcd0". */
  readonly name: string;
  /** Where clients reach it, such as `http://127.0.0.1:34567`. */
  readonly endpoint: string;
  /** Whether it has lost the others, and so has no leader. */
  readonly cutOff: boolean;
  /** Whether it answers at all. */
  readonly running: boolean;
}

/** What the members of one embedded cluster share. */
export interface EmbeddedState {
  readonly store: MvccStore;
  readonly kv: Kv;
  readonly leases: LeaseBook;
  readonly clock: VirtualClock;
  readonly auth: AuthStore;
  readonly clusterId: bigint;
  /** Raft's term: one higher after every change of the leader. */
  readonly term: bigint;
  /** The member that leads; `undefined` when none can. */
  readonly leaderId: bigint | undefined;
  readonly members: readonly MemberView[];
  /** The header of an answer by this member. Default revision: the store's. */
  header(member: MemberView, revision?: bigint): ResponseHeaderInput;
}
