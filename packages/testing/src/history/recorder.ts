import type { HistoryEvent, HistoryEventType } from "./event.ts";

/** What {@link HistoryRecorder} takes. */
export interface HistoryRecorderOptions {
  /** The name in every line; unique among all recorders whose lines are merged, so a restarted process takes another. */
  readonly process: string;
  /**
   * Takes one line, without its line break, and has it stored when it returns: it must be synchronous, and must throw when it
   * could not. {@link openHistoryFile} has one.
   */
  readonly write: (line: string) => void;
}

/** What an operation is done to, and with. */
export interface Subject {
  readonly key?: string;
  /** JSON; a bigint in it is written as a decimal string. */
  readonly value?: unknown;
}

/** An operation that has begun. It takes exactly one of the three, once; none of them means that the outcome is unknown. */
export interface Pending {
  /** It was done, and gave this. */
  ok(value?: unknown): void;
  /** It was certainly not done, now or later. */
  fail(value?: unknown): void;
  /** Nobody knows whether it was done, or will be. */
  unknown(value?: unknown): void;
}

/**
 * Records what one process did: a line for each invocation, written before the operation begins, and one for each
 * completion. A line that cannot be written throws, and from then on everything throws: a history with a hole in it would
 * accuse the innocent, or acquit the guilty.
 */
export class HistoryRecorder {
  readonly #process: string;
  readonly #write: (line: string) => void;
  #nextId = 1;
  #pending = 0;
  #failure: { readonly cause: unknown } | undefined;

  constructor({ process, write }: HistoryRecorderOptions) {
    if (typeof process !== "string" || process === "")
      throw new TypeError(`Expected option "process" to be a name, got ${JSON.stringify(process)}`);
    if (typeof write !== "function")
      throw new TypeError(`Expected option "write" to be a function, got ${typeof write}`);
    this.#process = process;
    this.#write = write;
  }

  /** How many operations have begun and are not completed. */
  get pending(): number {
    return this.#pending;
  }

  /** Whether a line could not be written. */
  get broken(): boolean {
    return this.#failure !== undefined;
  }

  /** Says that an operation begins; to be called before it does. */
  invoke(op: string, { key, value }: Subject = {}): Pending {
    const id = this.#record("invoke", op, key, value);
    this.#pending += 1;
    let completed: HistoryEventType | undefined;
    const complete =
      (type: "ok" | "fail" | "info") =>
      (result?: unknown): void => {
        if (completed !== undefined)
          throw new Error(`${this.#process}#${id} ${op} was completed twice: ${completed}, then ${type}`);
        this.#record(type, op, key, result, id);
        completed = type;
        this.#pending -= 1;
      };
    return { ok: complete("ok"), fail: complete("fail"), unknown: complete("info") };
  }

  /** Says that something happened at this moment. */
  note(op: string, { key, value }: Subject = {}): void {
    this.#record("note", op, key, value);
  }

  #record(type: HistoryEventType, op: string, key: string | undefined, value: unknown, id?: number): number {
    if (this.#failure !== undefined) {
      const { cause } = this.#failure;
      throw new Error(`The history of ${this.#process} has a hole: ${String(cause)}`, { cause });
    }
    const event: HistoryEvent = {
      time: String(process.hrtime.bigint()),
      process: this.#process,
      id: id ?? this.#nextId++,
      type,
      op,
      ...(key === undefined ? {} : { key }),
      ...(value === undefined ? {} : { value }),
    };
    try {
      this.#write(JSON.stringify(event, bigintAsDecimal));
    } catch (cause) {
      this.#failure = { cause };
      throw new Error(`${this.#process}#${event.id} ${type} ${op} could not be recorded: ${String(cause)}`, {
        cause,
      });
    }
    return event.id;
  }
}

function bigintAsDecimal(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
