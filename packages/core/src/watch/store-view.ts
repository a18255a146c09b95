import { EtcdError } from "../errors/etcd-error.ts";

/** A cluster, and a revision its store has had. A cluster id of 0n stands for one that is not known. */
export interface StorePoint {
  readonly clusterId: bigint;
  readonly revision: bigint;
}

/** What a watch knows of the store behind it: which cluster it is, and how far it has been. */
export class StoreView {
  #clusterId: bigint;
  #revision: bigint;

  constructor({ clusterId, revision }: StorePoint = { clusterId: 0n, revision: 0n }) {
    this.#clusterId = clusterId;
    this.#revision = revision;
  }

  get clusterId(): bigint {
    return this.#clusterId;
  }

  /** The highest revision the store is known to have had. */
  get revision(): bigint {
    return this.#revision;
  }

  /** Takes in the header of an answer; gives the error where it comes from another cluster. */
  see(header: StorePoint | null): EtcdError | undefined {
    if (header === null) return undefined;
    const { clusterId, revision } = header;
    if (clusterId !== this.#clusterId && clusterId !== 0n) {
      if (this.#clusterId !== 0n) return anotherCluster(this.#clusterId, clusterId);
      this.#clusterId = clusterId;
    }
    if (revision > this.#revision) this.#revision = revision;
    return undefined;
  }
}

function anotherCluster(expected: bigint, found: bigint): EtcdError {
  const text = `cluster ${found.toString(16)} answers in place of ${expected.toString(16)}`;
  return new EtcdError("CLUSTER_CHANGED", text);
}

/** A store that is behind where it has been was restored from a backup, or emptied. */
export function wentBack(known: bigint, found: bigint): EtcdError {
  const text = `the store had revision ${known} and is at ${found}: it was restored from a backup, or emptied`;
  return new EtcdError("CLUSTER_CHANGED", text);
}
