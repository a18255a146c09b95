/** What is wrong with a history, as such; a {@link HistoryError} carries one of them. */
export type HistoryProblem =
  /** A line that is not JSON, and is not the torn end of its file. */
  | "notJson"
  /** JSON that is not an event, or lacks a field, or has one of the wrong type. */
  | "notAnEvent"
  /** The id was invoked before in the same process. */
  | "invokedTwice"
  /** The operation has been completed already. */
  | "completedTwice"
  /** A completion of what was never invoked. */
  | "notInvoked"
  /** A completion whose operation or key is another one than its invocation's. */
  | "mismatched"
  /** A line that is older than the one before it of the same process. */
  | "timeWentBack"
  /** An operation that a checker looks at has no key, or its value is not what the checker's docs ask for. */
  | "wrongValue";

/** A history that cannot be judged, because it is not one. */
export class HistoryError extends Error {
  readonly problem: HistoryProblem;
  /** The line: `worker-1.jsonl:12`, or for events that were never in a file `worker-1#7 ok`. */
  readonly source: string;

  constructor(problem: HistoryProblem, source: string, detail: string) {
    super(`${source}: ${detail}`);
    this.name = "HistoryError";
    this.problem = problem;
    this.source = source;
  }
}
