import { describe } from "../util/validate.ts";

/** How far a transaction of `stm` is kept apart from what others do meanwhile; see `StmOptions.isolation`. */
export type Isolation = "serializableSnapshot" | "serializable" | "repeatableReads" | "readCommitted";

export interface IsolationRules {
  /** All reads are of one revision, the one of the first read; else each is of what the asked member has. */
  readonly snapshot: boolean;
  /** Commits only if nothing that was read has changed. */
  readonly checkReads: boolean;
  /** Commits only if nothing that is written has changed since the snapshot, although it was not read. */
  readonly checkWrites: boolean;
}

/** The levels of Go's `concurrency.NewSTM` and their conditions (etcd `client/v3/concurrency/stm.go`), strictest first. */
const ISOLATION: Readonly<Record<Isolation, IsolationRules>> = {
  serializableSnapshot: { snapshot: true, checkReads: true, checkWrites: true },
  serializable: { snapshot: true, checkReads: true, checkWrites: false },
  repeatableReads: { snapshot: false, checkReads: true, checkWrites: false },
  readCommitted: { snapshot: false, checkReads: false, checkWrites: false },
};

export function isolationOption(value: Isolation | undefined): IsolationRules {
  const level: unknown = value ?? "serializableSnapshot";
  if (typeof level !== "string" || !Object.hasOwn(ISOLATION, level)) {
    throw new TypeError(
      `isolation must be one of ${Object.keys(ISOLATION).join(", ")}, received ${describe(level)}`,
    );
  }
  return ISOLATION[level as Isolation];
}
