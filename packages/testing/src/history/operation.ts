import { type HistoryEvent, type HistoryInput, sourceOf } from "./event.ts";
import { show } from "./parse-event.ts";
import { eventsOf, identityOf } from "./well-formed.ts";

/** An invocation with its completion. */
export interface Operation {
  readonly invocation: HistoryEvent;
  readonly completion: HistoryEvent | undefined;
  /** Unknown also where nothing completed it. */
  readonly outcome: "ok" | "fail" | "unknown";
  readonly invoked: bigint;
  /** When it was known to be over; never, for one whose outcome is unknown. */
  readonly returned: bigint | undefined;
}

/** A history as checkers look at it. */
export interface Operations {
  readonly operations: readonly Operation[];
  readonly notes: readonly HistoryEvent[];
  /** The first moment of the history, from which messages count. */
  readonly start: bigint;
  /** The last moment of the history. */
  readonly end: bigint;
}

/** Puts invocations and completions together, in the order of invocation. */
export function operationsOf(input: HistoryInput): Operations {
  const events = eventsOf(input);
  const completions = new Map<string, HistoryEvent>();
  for (const event of events)
    if (event.type !== "invoke" && event.type !== "note") completions.set(identityOf(event), event);
  const operations = events.flatMap((event) =>
    event.type === "invoke" ? [toOperation(event, completions.get(identityOf(event)))] : [],
  );
  return {
    operations,
    notes: events.filter(({ type }) => type === "note"),
    start: BigInt(events.at(0)?.time ?? 0),
    end: BigInt(events.at(-1)?.time ?? 0),
  };
}

function toOperation(invocation: HistoryEvent, completion: HistoryEvent | undefined): Operation {
  const type = completion?.type;
  const outcome = type === "ok" || type === "fail" ? type : "unknown";
  const returned = completion === undefined || outcome === "unknown" ? undefined : BigInt(completion.time);
  return { invocation, completion, outcome, invoked: BigInt(invocation.time), returned };
}

/** An operation in a line for people, its times in milliseconds since `start`. */
export function describeOperation(operation: Operation, start: bigint): string {
  const { invocation, completion, outcome, invoked } = operation;
  const given = invocation.value === undefined ? "" : ` ${show(invocation.value)}`;
  const gave = completion?.value === undefined ? "" : ` ${show(completion.value)}`;
  const end = completion === undefined ? "never completed" : `${outcome}${gave}`;
  const until = completion === undefined ? "…" : milliseconds(BigInt(completion.time), start);
  const places = [invocation, ...(completion === undefined ? [] : [completion])].map(sourceOf).join(", ");
  return (
    `${identityOf(invocation)} ${invocation.op}${given} → ${end}` +
    ` [${milliseconds(invoked, start)}, ${until}] ms (${places})`
  );
}

/** A note in a line for people. */
export function describeNote(note: HistoryEvent, start: bigint): string {
  const value = note.value === undefined ? "" : ` ${show(note.value)}`;
  return `${note.process} ${note.op}${value} at ${milliseconds(BigInt(note.time), start)} ms (${sourceOf(note)})`;
}

/** A time as milliseconds since another, to the microsecond. */
export function milliseconds(time: bigint, start: bigint): string {
  return (Number(time - start) / 1e6).toFixed(3);
}
