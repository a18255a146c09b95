/** One change of one key, as etcd itself tells it. Revisions and times fit a number for as long as a run may last. */
export interface LogEvent {
  readonly type: "put" | "delete";
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly version: number;
  /** Decimal; "0" for none. */
  readonly lease: string;
}

/** All that changed in one revision. */
export interface LogEntry {
  readonly revision: number;
  readonly events: readonly LogEvent[];
  /** When the run had heard of it, in ns of the machine's monotonic clock: it was so by then. */
  readonly seenAt: number;
}

/** A key with what it holds. */
export interface StoredKey extends LogEvent {
  readonly modRevision: number;
}

/**
 * Everything that ever happened in the store, revision by revision. It proves itself: every revision changes something, so
 * none may be missing, and every put counts its key's versions on.
 */
export class TrueLog {
  /** From revision 2 on; a new store is at 1. */
  readonly entries: LogEntry[] = [];
  readonly faults: string[] = [];
  /** When members that had been paused went on, in ns of the machine's monotonic clock. */
  readonly wakings: number[] = [];
  /** The highest revision that was compacted, or perhaps was. */
  compacted = 0;
  readonly #versions = new Map<string, number>();

  /** Up to where everything is known. */
  get until(): number {
    return this.entries.length + 1;
  }

  /** Takes in a revision; one that is known already is passed over. */
  add(entry: LogEntry): void {
    if (entry.revision <= this.until) return;
    if (entry.revision !== this.until + 1) {
      this.faults.push(`after revision ${this.until} came ${entry.revision}`);
      return;
    }
    for (const { type, key, version } of entry.events) {
      const before = this.#versions.get(key) ?? 0;
      const expected = type === "put" ? before + 1 : 0;
      if (version !== expected || (type === "delete" && before === 0))
        this.faults.push(`${type} ${key} in ${entry.revision} has version ${version} after ${before}`);
      this.#versions.set(key, version);
    }
    this.entries.push(entry);
  }

  at(revision: number): LogEntry | undefined {
    return this.entries[revision - 2];
  }
}

/** The keys of a prefix as they were at one revision after another, going forward only. */
export class Replay {
  readonly #log: TrueLog;
  readonly #prefix: string;
  readonly keys = new Map<string, StoredKey>();
  #revision = 1;

  constructor(log: TrueLog, prefix: string) {
    this.#log = log;
    this.#prefix = prefix;
  }

  /** Moves on to a revision that is not before the present one. */
  to(revision: number): this {
    while (this.#revision < revision) {
      this.#revision += 1;
      const entry = this.#log.at(this.#revision);
      if (entry === undefined) throw new Error(`the log ends before revision ${this.#revision}`);
      for (const event of entry.events) {
        if (!event.key.startsWith(this.#prefix)) continue;
        if (event.type === "delete") this.keys.delete(event.key);
        else this.keys.set(event.key, { ...event, modRevision: entry.revision });
      }
    }
    return this;
  }
}
