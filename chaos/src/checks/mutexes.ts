import { checkFencedMutex, checkLeadership, type HistoryEvent } from "@quorumkit/testing/history";
import { CAMPAIGN_ELECTION, LOCKS, RUN_ELECTION } from "../names.ts";
import type { Belief, Evidence } from "./evidence.ts";
import { type Finding, fromVerdict } from "./finding.ts";

/** Locks and elections as fenced mutexes: acquisitions, what was believed, and the writes that were accepted. */
export function checkMutexes({ history, beliefs }: Evidence): Finding[] {
  const owned = beliefs.filter(({ kind }) => kind !== "session");
  const events = inOrder([
    ...acquisitions(history.events),
    ...writes(history.events),
    ...losses(history.events, owned),
  ]);
  const elections = [RUN_ELECTION, CAMPAIGN_ELECTION];
  const campaigns = events.map((event) => (event.op === "acquire" ? { ...event, op: "campaign" } : event));
  return [
    fromVerdict(
      "locks and elections are fenced mutexes",
      checkFencedMutex(events, { guard: "owner", keys: [...LOCKS, ...elections] }),
    ),
    fromVerdict(
      "elections have one leader at a time, with growing tokens",
      checkLeadership(campaigns, { keys: elections }),
    ),
  ];
}

function acquisitions(events: readonly HistoryEvent[]): HistoryEvent[] {
  return events.filter(({ op }) => op === "acquire");
}

/** In the words of the checker: the key is the lock's name, and a late write that etcd refused is one that failed. */
function writes(events: readonly HistoryEvent[]): HistoryEvent[] {
  const names = new Map<string, { readonly name: string; readonly token: string }>();
  return events.flatMap((event): HistoryEvent[] => {
    if (event.op !== "guarded.write" && event.op !== "guarded.late") return [];
    const id = `${event.process} ${event.id}`;
    if (event.type === "invoke") {
      const { name, token } = JSON.parse(String(event.value)) as { name: string; token: string };
      names.set(id, { name, token });
      return [{ ...event, op: "guardedWrite", key: name, value: { token } }];
    }
    const { name } = names.get(id) ?? { name: "" };
    const refused = (event.value as { readonly succeeded?: boolean } | undefined)?.succeeded === false;
    return [{ ...event, op: "guardedWrite", key: name, type: refused ? "fail" : event.type }];
  });
}

let losing = 0;

/**
 * Where a claim ended: at the last look that said yes. One that no look ever said yes to was over when it was told of, as
 * for a process that was stopped in between: it may have been over as soon as it began.
 */
function losses(events: readonly HistoryEvent[], beliefs: readonly Belief[]): HistoryEvent[] {
  const known = new Map(beliefs.map((each) => [`${each.process} ${each.name} ${each.token}`, each]));
  const invoked = new Map<string, string>();
  return events.flatMap((event): HistoryEvent[] => {
    const { process, id, key, op, type, time } = event;
    if (op === "acquire" && type === "invoke") invoked.set(`${process} ${id}`, time);
    if (op !== "acquire" || type !== "ok" || key === undefined) return [];
    const { token } = event.value as { readonly token: string };
    const belief = known.get(`${process} ${key} ${token}`);
    const until = belief === undefined ? invoked.get(`${process} ${id}`) : String(belief.last[0]);
    return [{ time, process, id: (losing -= 1), type: "note", op: "lost", key, value: { token, until } }];
  });
}

function inOrder(events: readonly HistoryEvent[]): HistoryEvent[] {
  return [...events].sort((a, b) => Number(BigInt(a.time) - BigInt(b.time)));
}
