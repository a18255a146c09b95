import type { HistoryEvent } from "../event.ts";
import {
  describeNote,
  describeOperation,
  milliseconds,
  type Operation,
  type Operations,
} from "../operation.ts";
import { fieldOf, keyOf, momentOf, tokenOf } from "./token.ts";

/** What begins and what ends a claim. */
export interface ClaimWords {
  /** Completed by `ok` with `{ token }`, begins it: `acquire`, `campaign`. */
  readonly begin: string;
  /** Invoked with `{ token }`, ends it, whatever comes of it: `release`, `resign`. */
  readonly end: string;
}

/** A time in which a process believed that something was its own. */
export interface Claim {
  readonly key: string;
  readonly process: string;
  readonly token: bigint;
  /** When the process was told that it is. */
  readonly from: bigint;
  /** The first moment at which it did not believe so any more; `undefined`: it did to the end of the history. */
  readonly until: bigint | undefined;
  readonly endedBy: "given up" | "lost" | "killed" | undefined;
  readonly begin: Operation;
  /** For people. */
  readonly line: string;
}

/** A moment, or a time that contains it, at which a process said whether it still holds. */
export interface Sample {
  readonly key: string;
  readonly process: string;
  readonly token: bigint;
  readonly from: bigint;
  readonly until: bigint;
  readonly line: string;
}

interface End {
  readonly at: bigint;
  readonly by: "given up" | "lost" | "killed";
}

/** Finds the claims of every key, in the order in which they began. @throws HistoryError `wrongValue` */
export function claimsOf(history: Operations, words: ClaimWords): readonly Claim[] {
  const { operations, notes, start } = history;
  const ends = new Map<string, End>();
  const endsAt = (id: string, end: End): void => {
    const known = ends.get(id);
    if (known === undefined || end.at < known.at) ends.set(id, end);
  };
  for (const { invocation, invoked } of operations)
    if (invocation.op === words.end) endsAt(claimId(invocation), { at: invoked, by: "given up" });
  for (const note of notes)
    if (note.op === "lost")
      endsAt(claimId(note), { at: momentOf(note, "until") ?? BigInt(note.time), by: "lost" });
  const killed = killsOf(notes);

  const claims = operations.flatMap((begin): Claim[] => {
    const { invocation, completion, returned } = begin;
    if (invocation.op !== words.begin || completion === undefined || returned === undefined) return [];
    if (begin.outcome !== "ok") return [];
    const key = keyOf(invocation);
    const end = earlier(ends.get(claimId(completion)), killed.get(invocation.process));
    const until = end && (end.at < returned ? returned : end.at);
    const claim = {
      key,
      process: invocation.process,
      token: tokenOf(completion),
      from: returned,
      until,
      begin,
    };
    const line = `${describeOperation(begin, start)}, ${endOf(end, until, start)}`;
    return [{ ...claim, endedBy: end?.by, line }];
  });
  return claims.sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
}

/** When each process was killed: `killed` notes, whose value is `{ process }`, or which the process wrote itself. */
export function killsOf(notes: readonly HistoryEvent[]): ReadonlyMap<string, End> {
  const killed = new Map<string, End>();
  for (const note of notes) {
    if (note.op !== "killed") continue;
    const process = fieldOf(note, "process") ?? note.process;
    if (typeof process === "string" && !killed.has(process))
      killed.set(process, { at: BigInt(note.time), by: "killed" });
  }
  return killed;
}

/** The times at which a process said that it still holds: `holds`, a note, or an operation that gave `true`. */
export function samplesOf({ operations, notes, start }: Operations): readonly Sample[] {
  const asked = operations
    .filter(({ invocation, completion }) => invocation.op === "holds" && completion?.value === true)
    .map((operation): Sample => {
      const { invocation, invoked, returned = invoked } = operation;
      return {
        ...subjectOf(invocation),
        from: invoked,
        until: returned,
        line: describeOperation(operation, start),
      };
    });
  const noted = notes
    .filter(({ op }) => op === "holds")
    .map((note): Sample => {
      const at = BigInt(note.time);
      return { ...subjectOf(note), from: at, until: at, line: describeNote(note, start) };
    });
  return [...asked, ...noted];
}

/** Names the claim that an event speaks of: a token is had once. */
export function claimId(event: HistoryEvent): string {
  return `${event.process} ${keyOf(event)} ${tokenOf(event)}`;
}

function subjectOf(event: HistoryEvent): {
  readonly key: string;
  readonly process: string;
  readonly token: bigint;
} {
  return { key: keyOf(event), process: event.process, token: tokenOf(event) };
}

function earlier(a: End | undefined, b: End | undefined): End | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return b.at < a.at ? b : a;
}

function endOf(end: End | undefined, until: bigint | undefined, start: bigint): string {
  return end === undefined || until === undefined
    ? "held to the end"
    : `${end.by} at ${milliseconds(until, start)} ms`;
}
