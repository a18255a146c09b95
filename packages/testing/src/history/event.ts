/**
 * What a line of a history says. `invoke` begins an operation; `ok`, `fail` (it certainly had no effect) and `info` (nobody
 * knows whether it had one, or will have) complete it; `note` stands alone.
 */
export type HistoryEventType = "invoke" | "ok" | "fail" | "info" | "note";

/** Every type a line can have. */
export const HISTORY_EVENT_TYPES: readonly HistoryEventType[] = ["invoke", "ok", "fail", "info", "note"];

/** One line of a history. */
export interface HistoryEvent {
  /**
   * Nanoseconds of `process.hrtime.bigint()`, in decimal. On one machine all processes share this clock, so that their lines
   * can be merged; it does not go on from one boot to the next.
   */
  readonly time: string;
  /** Who recorded it; unique among all that are merged, so a restarted process needs another name. */
  readonly process: string;
  /** Ties a completion to its invocation; unique within the process. */
  readonly id: number;
  readonly type: HistoryEventType;
  /** What was done, such as `read`; each checker names the operations it looks at, and passes over all others. */
  readonly op: string;
  /** What it was done to: a key, the name of a lock or of an election. */
  readonly key?: string;
  /** What an operation was given, in an invocation, or what it gave, in a completion. JSON. */
  readonly value?: unknown;
  /** Where it was read: `worker-1.jsonl:12`. Never part of a line. */
  readonly source?: string;
}

/** A line that was cut off while its process was killed. */
export interface TornLine {
  /** `worker-1.jsonl:12` */
  readonly source: string;
  readonly text: string;
}

/** Lines of one or more processes, merged. */
export interface History {
  /** All events in the order of their time. */
  readonly events: readonly HistoryEvent[];
  /** Last lines that ended in the middle. What they were to complete has an unknown outcome. */
  readonly torn: readonly TornLine[];
  /** Invocations that nothing completed. Their outcome is unknown. */
  readonly pending: readonly HistoryEvent[];
}

/** What checkers take: what {@link readHistory} gave, or bare events. */
export type HistoryInput = History | readonly HistoryEvent[];

/** Where an event stands, for people. */
export function sourceOf(event: HistoryEvent): string {
  return event.source ?? `${event.process}#${event.id} ${event.type}`;
}
