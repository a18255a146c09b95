import { HistoryError } from "./errors.ts";
import { type HistoryEvent, type HistoryInput, sourceOf } from "./event.ts";

/** The events of what a checker was given, in the order of time. */
export function eventsOf(input: HistoryInput): readonly HistoryEvent[] {
  return "events" in input ? input.events : inOrder(input);
}

/** Checks each process's events, which come in its own order, and merges them by time. @throws HistoryError */
export function inOrder(events: readonly HistoryEvent[]): HistoryEvent[] {
  const invoked = new Map<string, HistoryEvent>();
  const completed = new Map<string, HistoryEvent>();
  const last = new Map<string, HistoryEvent>();
  for (const event of events) {
    const before = last.get(event.process);
    if (before !== undefined && BigInt(event.time) < BigInt(before.time))
      refuse("timeWentBack", event, `its time is before that of ${sourceOf(before)}`);
    last.set(event.process, event);
    if (event.type === "note") continue;
    const id = identityOf(event);
    const invocation = invoked.get(id);
    if (event.type === "invoke") {
      if (invocation !== undefined)
        refuse("invokedTwice", event, `${id} was invoked before, in ${sourceOf(invocation)}`);
      invoked.set(id, event);
      continue;
    }
    const completion = completed.get(id);
    if (invocation === undefined) refuse("notInvoked", event, `${id} was never invoked`);
    if (completion !== undefined)
      refuse("completedTwice", event, `${id} was completed before, in ${sourceOf(completion)}`);
    if (invocation.op !== event.op || invocation.key !== event.key)
      refuse("mismatched", event, `its operation or key is not that of ${sourceOf(invocation)}`);
    completed.set(id, event);
  }
  return sortedByTime(events);
}

/** The invocations that nothing completed. */
export function pendingOf(events: readonly HistoryEvent[]): HistoryEvent[] {
  const completed = new Set(events.filter(({ type }) => type !== "invoke").map(identityOf));
  return events.filter((event) => event.type === "invoke" && !completed.has(identityOf(event)));
}

/** Names an operation over all processes. */
export function identityOf({ process, id }: HistoryEvent): string {
  return `${process}#${id}`;
}

function sortedByTime(events: readonly HistoryEvent[]): HistoryEvent[] {
  return events
    .map((event) => ({ event, time: BigInt(event.time) }))
    .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
    .map(({ event }) => event);
}

function refuse(problem: HistoryError["problem"], event: HistoryEvent, detail: string): never {
  throw new HistoryError(problem, sourceOf(event), detail);
}
