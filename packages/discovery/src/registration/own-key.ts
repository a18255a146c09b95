import { compare, type CommitOptions, EtcdError, op, type EtcdClient, type KeyValue } from "@quorumkit/core";

/** How a registration's key looks when it is as it shall be. */
export interface Claim {
  readonly value: string;
  readonly leaseId: bigint;
}

/** Our key as we last wrote or found it. */
export interface Written extends Claim {
  readonly revision: bigint;
}

export type ClaimResult =
  ({ readonly type: "claimed" } & Written) | { readonly type: "taken"; readonly holder: KeyValue };

/** Tries at a key that changes between looking and writing, before that counts as a failure. */
const MAX_ROUNDS = 5;

/**
 * The one key of a registration, written and deleted only where it is ours. Every write is a transaction on the key's
 * mod revision, so it never hits a key somebody else has written meanwhile; and it is repeatable, since after an unknown
 * outcome the next try finds what the last one did. Applied late it does nothing, unless it makes the key where it is
 * absent: who claims has to see to that.
 */
export class OwnKey {
  readonly #etcd: EtcdClient;
  readonly #key: string;
  readonly #isOurs: (kv: KeyValue) => boolean;

  constructor(etcd: EtcdClient, key: string, isOurs: (kv: KeyValue) => boolean) {
    this.#etcd = etcd;
    this.#key = key;
    this.#isOurs = isOurs;
  }

  /** Puts the key where it is absent or ours. `seen` is its revision as last known, 0n for absent. */
  async claim({ value, leaseId }: Claim, seen: bigint, options: CommitOptions): Promise<ClaimResult> {
    let expected = seen;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const result = await this.#etcd
        .txn()
        .if(compare(this.#key).modRevision.equals(expected))
        .then(op.put(this.#key, value, { lease: leaseId }))
        .else(op.get(this.#key))
        .commit({ ...options, repeatable: true });
      if (result.succeeded) return { type: "claimed", value, leaseId, revision: result.revision };
      const [found] = result.results;
      if (found !== undefined && !this.#isOurs(found)) return { type: "taken", holder: found };
      if (found !== undefined && isAsClaimed(found, { value, leaseId })) {
        return { type: "claimed", value, leaseId, revision: found.modRevision };
      }
      expected = found?.modRevision ?? 0n;
    }
    throw this.#restless();
  }

  /** Writes the key only if it still is at the revision `seen`; never brings it back. Gives its revision afterwards. */
  async rewrite({ value, leaseId }: Claim, seen: bigint, signal: AbortSignal): Promise<bigint> {
    const { succeeded, revision } = await this.#etcd
      .txn()
      .if(compare(this.#key).modRevision.equals(seen))
      .then(op.put(this.#key, value, { lease: leaseId }))
      .commit({ signal, repeatable: true });
    return succeeded ? revision : seen;
  }

  /** Deletes the key where it is ours; it is gone, or somebody else's, when this resolves. */
  async withdraw(seen: bigint, signal: AbortSignal): Promise<void> {
    let expected = seen;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const result = await this.#etcd
        .txn()
        .if(compare(this.#key).modRevision.equals(expected))
        .then(op.delete(this.#key))
        .else(op.get(this.#key))
        .commit({ signal, repeatable: true });
      if (result.succeeded) return;
      const [found] = result.results;
      if (found === undefined || !this.#isOurs(found)) return;
      expected = found.modRevision;
    }
    throw this.#restless();
  }

  #restless(): EtcdError {
    return new EtcdError(
      "FAILED_PRECONDITION",
      `${this.#key} changed ${MAX_ROUNDS} times while it was looked at`,
    );
  }
}

/** Whether the key stands in etcd just as claimed. */
export function isAsClaimed(kv: KeyValue, claim: Claim): boolean {
  return kv.lease === claim.leaseId && kv.text() === claim.value;
}
