import type { EtcdError, KeyValue, Mirror } from "@quorumkit/core";

/** Somebody who is leader or wants to be. */
export class Candidate {
  /** `<name>/<lease id in hex>`, unless a foreign program named it otherwise. */
  readonly key: string;
  /** What it campaigned with, or proclaimed last. */
  readonly value: Buffer;
  /** The key's create revision: its place in the queue, and its fencing token when it leads. */
  readonly fencingToken: bigint;
  /** The lease it lives on. */
  readonly leaseId: bigint;

  constructor(kv: KeyValue) {
    this.key = kv.key;
    this.value = kv.value;
    this.fencingToken = kv.createRevision;
    this.leaseId = kv.lease;
  }

  /** The value as UTF-8 text. */
  text(): string {
    return this.value.toString("utf8");
  }
}

/** An election as it was at one revision. */
export interface ElectionView {
  /** The first candidate; undefined when there is none. */
  readonly leader: Candidate | undefined;
  /** Everybody, in the order in which they will lead; the leader first. */
  readonly candidates: readonly Candidate[];
  /** 0n while nothing is known yet. */
  readonly revision: bigint;
  /** etcd could not be heard: this is what was last known. */
  readonly stale: boolean;
  /** Since when, where it is stale and something was known before. */
  readonly staleSince: Date | undefined;
  /** Why it is stale: unreachable, or no permission. Undefined where it is not. */
  readonly error: EtcdError | undefined;
}

export function viewOf(mirror: Mirror): ElectionView {
  const candidates = [...mirror.entries()].map((kv) => new Candidate(kv)).sort(byAge);
  const { revision, staleSince } = mirror;
  const stale = mirror.state !== "live";
  return {
    leader: candidates[0],
    candidates,
    revision,
    stale,
    staleSince,
    error: stale ? mirror.lastError : undefined,
  };
}

/** No two keys have one create revision, except those of one transaction, which no candidate makes. */
function byAge(a: Candidate, b: Candidate): number {
  return a.fencingToken < b.fencingToken ? -1 : 1;
}
