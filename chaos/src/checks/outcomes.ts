import type { HistoryEvent } from "@quorumkit/testing/history";
import type { Evidence } from "./evidence.ts";
import { type Finding, finding } from "./finding.ts";

const WRITES: ReadonlySet<string> = new Set([
  "write",
  "cas",
  "data.put",
  "data.putAll",
  "data.putWithTtl",
  "guarded.write",
  "guarded.late",
]);

/** What was told of each write, beside what became of it: no value is written by two of them. */
export function checkOutcomes({ history, log }: Evidence): Finding[] {
  const revisionsOf = new Map<string, Set<number>>();
  for (const { revision, events } of log.entries) {
    for (const { type, value } of events) {
      if (type !== "put" || value === "") continue;
      const revisions = revisionsOf.get(value);
      if (revisions === undefined) revisionsOf.set(value, new Set([revision]));
      else revisions.add(revision);
    }
  }
  const completions = new Map<string, HistoryEvent>();
  for (const event of history.events)
    if (event.type !== "invoke") completions.set(`${event.process} ${event.id}`, event);
  const twice: string[] = [];
  const untrue: string[] = [];
  let checked = 0;
  for (const event of history.events) {
    if (event.type !== "invoke" || !WRITES.has(event.op)) continue;
    checked += 1;
    const completion = completions.get(`${event.process} ${event.id}`);
    const revisions = [...(revisionsOf.get(valueOf(event)) ?? [])];
    const what = `${event.op} ${event.key} by ${event.process}#${event.id}`;
    if (revisions.length > 1) twice.push(`${what} is in revisions ${revisions.join(", ")}`);
    const wrong = judge(completion, revisions);
    if (wrong !== undefined) untrue.push(`${what}: ${wrong}`);
  }
  return [
    finding("no write is made twice", checked, twice),
    finding("what is told of a write is what became of it", checked, untrue),
  ];
}

function judge(completion: HistoryEvent | undefined, revisions: readonly number[]): string | undefined {
  if (completion === undefined || completion.type === "info") return undefined;
  const found = revisions.length === 0 ? "it is nowhere" : `it is in revision ${revisions.join(", ")}`;
  if (completion.type === "fail")
    return revisions.length === 0 ? undefined : `told as not applied, but ${found}`;
  const { revision, swapped, succeeded } = completion.value as {
    readonly revision: string;
    readonly swapped?: boolean;
    readonly succeeded?: boolean;
  };
  if (swapped === false || succeeded === false)
    return revisions.length === 0 ? undefined : `told as refused, but ${found}`;
  return revisions[0] === Number(revision) ? undefined : `told as done in revision ${revision}, but ${found}`;
}

function valueOf({ op, value }: HistoryEvent): string {
  return op === "cas" ? (value as { readonly next: string }).next : String(value);
}
