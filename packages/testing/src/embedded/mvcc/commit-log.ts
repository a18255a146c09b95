import { nameOf } from "./key-span.ts";
import type { Commit, StoredEvent } from "./types.ts";

/** A store begins at revision 1, which changed nothing; the first commit makes revision 2. */
const firstCommit = 2n;

/**
 * What a compaction leaves of the commit at its own revision: the store before it is gone, and of several changes of one
 * key the last is left.
 */
function asCompacted({ revision, events }: Commit): Commit {
  const last = new Map(events.map((event) => [nameOf(event.kv.key), event]));
  return {
    revision,
    events: events
      .filter((event) => last.get(nameOf(event.kv.key)) === event)
      .map(({ type, kv }): StoredEvent => ({ type, kv, prevKv: undefined })),
  };
}

/** The commits that a watch can still catch up on, one per revision without a gap. */
export class CommitLog {
  #commits: Commit[] = [];

  get first(): bigint | undefined {
    return this.#commits[0]?.revision;
  }

  add(commit: Commit): void {
    this.#commits.push(commit);
  }

  /** The commits from a revision on. Goes on with what is added while it is walked. */
  *since(revision: bigint): Generator<Commit, void, undefined> {
    let next = revision < firstCommit ? firstCommit : revision;
    for (let commit = this.#at(next); commit !== undefined; commit = this.#at(next)) {
      yield commit;
      next += 1n;
    }
  }

  /** Forgets what came before a revision. @returns the commits up to that revision and with it. */
  compact(revision: bigint): readonly Commit[] {
    const { first } = this;
    if (first === undefined || revision < first) return [];
    const gone = this.#commits.splice(0, Number(revision - first) + 1);
    const last = gone.at(-1);
    if (last !== undefined) this.#commits.unshift(asCompacted(last));
    return gone;
  }

  /** Takes the commits after a revision away. @returns them, the latest first. */
  rollBackTo(revision: bigint): readonly Commit[] {
    const { first } = this;
    if (first === undefined) return [];
    return this.#commits.splice(Math.max(0, Number(revision - first) + 1)).toReversed();
  }

  clear(): void {
    this.#commits = [];
  }

  #at(revision: bigint): Commit | undefined {
    const { first } = this;
    return first === undefined || revision < first ? undefined : this.#commits[Number(revision - first)];
  }
}
