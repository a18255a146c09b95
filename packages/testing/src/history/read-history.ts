import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { HistoryError } from "./errors.ts";
import type { History, HistoryEvent, TornLine } from "./event.ts";
import { parseEvent } from "./parse-event.ts";
import { inOrder, pendingOf } from "./well-formed.ts";

/** Lines that are not in a file. */
export interface HistoryLines {
  /** Stands for the file's name in errors and violations. */
  readonly name: string;
  /** The lines, with or without their line breaks. The last one may be torn. */
  readonly lines: Iterable<string>;
}

/**
 * Reads histories and merges them by time. A path is read synchronously; one file is one process's, as
 * {@link openHistoryFile} made it.
 *
 * @throws HistoryError naming the line that is not an event, or does not belong where it stands. The last line of a file
 * may be torn; it is left out and reported.
 */
export function readHistory(...sources: readonly (string | HistoryLines)[]): History {
  const torn: TornLine[] = [];
  const events = sources.flatMap((source) => readLines(source, torn));
  const ordered = inOrder(events);
  return { events: ordered, torn, pending: pendingOf(ordered) };
}

function readLines(source: string | HistoryLines, torn: TornLine[]): HistoryEvent[] {
  const { name, lines } = typeof source === "string" ? linesOf(source) : source;
  const texts = [...lines].map((line) => line.trimEnd());
  const events: HistoryEvent[] = [];
  for (const [index, text] of texts.entries()) {
    if (text === "") continue;
    const place = `${name}:${index + 1}`;
    try {
      events.push(parseEvent(text, place));
    } catch (error) {
      const cutOff = error instanceof HistoryError && error.problem === "notJson";
      // In a file something follows the last line break only when the next one was never written.
      if (!cutOff || index !== texts.length - 1) throw error;
      torn.push({ source: place, text });
    }
  }
  return events;
}

function linesOf(path: string): HistoryLines {
  return { name: basename(path), lines: readFileSync(path, "utf8").split("\n") };
}
