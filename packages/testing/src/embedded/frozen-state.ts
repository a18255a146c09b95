import type { KeyValue, ResponseHeaderInput } from "@quorumkit/proto";
import type { AuthStore } from "./auth/auth-store.ts";
import type { VirtualClock } from "./clock.ts";
import { errors } from "./errors.ts";
import { Kv } from "./kv/kv.ts";
import type { LeaseBook } from "./lease/lease-book.ts";
import { endOf, nameOf } from "./mvcc/key-span.ts";
import { MvccStore, type KeySpan, type ReadOptions, type ReadResult } from "./mvcc/store.ts";
import type { SharedState } from "./shared-state.ts";
import type { EmbeddedState, MemberView } from "./state.ts";

const everyKey: KeySpan = { key: Buffer.of(0), rangeEnd: Buffer.of(0) };

/**
 * A store as it was at one moment, to be read only. The keys of that moment are kept; older ones are read from the living store,
 * and so are compacted when that is.
 */
class FrozenStore extends MvccStore {
  readonly #live: MvccStore;
  readonly #revision: bigint;
  readonly #compactRevision: bigint;
  readonly #kvs: readonly KeyValue[];

  constructor(live: MvccStore) {
    super();
    this.#live = live;
    this.#revision = live.revision;
    this.#compactRevision = live.compactRevision;
    this.#kvs = live.range(everyKey);
  }

  override get revision(): bigint {
    return this.#revision;
  }

  override get compactRevision(): bigint {
    return this.#compactRevision;
  }

  override read(span: KeySpan, options: ReadOptions = {}): ReadResult {
    const { revision = 0n, limit = 0, countOnly = false } = options;
    if (revision > this.#revision) throw errors.futureRevision();
    if (revision > 0n && revision < this.#revision) {
      return { ...this.#live.read(span, options), revision: this.#revision };
    }
    const found = this.#within(span);
    const kvs = countOnly ? [] : found.slice(0, limit > 0 ? limit : undefined);
    return { kvs, count: found.length, revision: this.#revision };
  }

  override get(key: Uint8Array): KeyValue | undefined {
    return this.#within({ key, rangeEnd: new Uint8Array() })[0];
  }

  override hash(revision: bigint = 0n): number {
    if (revision > this.#revision) throw errors.futureRevision();
    return this.#live.hash(revision === 0n ? this.#revision : revision);
  }

  #within(span: KeySpan): KeyValue[] {
    const start = nameOf(span.key);
    if (span.rangeEnd.length === 0) return this.#kvs.filter(({ key }) => nameOf(key) === start);
    const end = endOf(span);
    return this.#kvs.filter(({ key }) => {
      const name = nameOf(key);
      return name >= start && (end === undefined || name < end);
    });
  }
}

/** A cluster as a member without a leader sees it: as it was when the leader was lost. */
export class FrozenState implements EmbeddedState {
  readonly store: MvccStore;
  readonly kv: Kv;
  readonly leases: LeaseBook;
  readonly clock: VirtualClock;
  readonly auth: AuthStore;
  readonly clusterId: bigint;
  readonly term: bigint;
  readonly leaderId: undefined = undefined;
  readonly members: readonly MemberView[];

  constructor(live: SharedState) {
    this.store = new FrozenStore(live.store);
    this.kv = new Kv(this.store, live.leases, live.kvOptions);
    this.leases = live.leases;
    this.clock = live.clock;
    this.auth = live.auth;
    this.clusterId = live.clusterId;
    this.term = live.term;
    this.members = live.members;
  }

  header(member: MemberView, revision: bigint = this.store.revision): ResponseHeaderInput {
    return { clusterId: this.clusterId, memberId: member.id, revision, raftTerm: this.term };
  }
}
