import { type HistoryFile, HistoryRecorder, openHistoryFile, type Pending } from "@quorumkit/testing/history";
import { join } from "node:path";

/** The two histories of one process: what it did, with the outcomes, and what it saw, which is far more. */
export class Journal {
  readonly #files: readonly HistoryFile[];
  readonly #done: HistoryRecorder;
  readonly #seen: HistoryRecorder;

  constructor(directory: string, process: string) {
    const done = openHistoryFile(join(directory, doneFile(process)));
    const seen = openHistoryFile(join(directory, seenFile(process)));
    this.#files = [done, seen];
    this.#done = new HistoryRecorder({ process, write: done.write });
    this.#seen = new HistoryRecorder({ process, write: seen.write });
  }

  invoke(op: string, subject: { readonly key: string; readonly value?: unknown }): Pending {
    return this.#done.invoke(op, subject);
  }

  note(op: string, subject: { readonly key?: string; readonly value: unknown }): void {
    this.#seen.note(op, subject);
  }

  close(): void {
    for (const file of this.#files) file.close();
  }
}

const DONE = ".done.jsonl";
const SEEN = ".seen.jsonl";

function doneFile(process: string): string {
  return process + DONE;
}

export function seenFile(process: string): string {
  return process + SEEN;
}

/** Whether a file of the run's directory is such a history, and which. */
export function sortOfFile(name: string): "done" | "seen" | undefined {
  if (name.endsWith(DONE)) return "done";
  return name.endsWith(SEEN) ? "seen" : undefined;
}
