import { setTimeout as sleep } from "node:timers/promises";
import type { Fleet } from "../fleet/fleet.ts";
import type { Gateway } from "../log/gateway.ts";
import { Replay, type TrueLog } from "../log/true-log.ts";
import type { Standing } from "../messages.ts";
import { DATA, END_KEY, RUN_ELECTION } from "../names.ts";
import { digestOfData, SERVICES, tokensOf } from "./copies.ts";
import { type Finding, finding } from "./finding.ts";

export interface ConvergenceParts {
  readonly fleet: Fleet;
  readonly gateways: readonly Gateway[];
  readonly log: TrueLog;
  readonly signal: AbortSignal;
}

/** Everything has to agree within this time once all faults are over. */
const BOUND_MS = 40_000;
const POLL_MS = 300;
const ANSWER_MS = 2_000;

/** All workers stop writing; then what they know and what they are must become what the store has. */
export async function converge(parts: ConvergenceParts): Promise<{ finding: Finding; tookMs: number }> {
  const { fleet, log, signal } = parts;
  const start = performance.now();
  fleet.rest();
  const end = await writeEnd(parts, start + BOUND_MS);
  const store = {
    data: new Replay(log, DATA),
    services: new Replay(log, SERVICES),
    queue: new Replay(log, `${RUN_ELECTION}/`),
  };
  const names = fleet.workers.map(({ name }) => name);
  for (;;) {
    const standings = await Promise.all(fleet.workers.map((worker) => worker.standing(ANSWER_MS)));
    for (const replay of Object.values(store)) replay.to(log.until);
    const expected: Expected = {
      names,
      registered: [...store.services.keys.keys()].map((key) => key.slice(SERVICES.length)),
      leader: tokensOf(store.queue.keys.values()).split(" ")[0] ?? "",
      data: digestOfData(store.data.keys.values()),
      end,
    };
    const open =
      log.until < end ? ["the log has not come to the end"] : disagreements(names, standings, expected);
    const tookMs = performance.now() - start;
    if (open.length === 0 || tookMs > BOUND_MS || signal.aborted) {
      const what = `all agree within ${BOUND_MS / 1_000} s after the last fault`;
      return { finding: finding(what, names.length, open), tookMs };
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => {});
  }
}

interface Expected {
  readonly names: readonly string[];
  readonly registered: readonly string[];
  readonly leader: string;
  readonly data: string;
  readonly end: number;
}

async function writeEnd({ gateways, signal }: ConvergenceParts, until: number): Promise<number> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const gateway = gateways[attempt % gateways.length];
      if (gateway === undefined) throw new Error("no member");
      return await gateway.put(END_KEY, "the end", ANSWER_MS);
    } catch (error) {
      if (signal.aborted || performance.now() > until) throw error;
      await sleep(POLL_MS);
    }
  }
}

function disagreements(
  names: readonly string[],
  standings: readonly (Standing | undefined)[],
  expected: Expected,
): string[] {
  const found: string[] = [];
  const all = names.join(" ");
  const registered = [...expected.registered].sort((a, b) => (a < b ? -1 : 1)).join(" ");
  if (registered !== all) found.push(`the store has the registrations ${registered}, not ${all}`);
  const leaders = standings.flatMap((standing) => standing?.leads ?? []);
  if (leaders.length !== 1 || leaders[0] !== expected.leader)
    found.push(
      `tokens ${leaders.join(", ") || "of nobody"} lead by their own claim, the store has ${expected.leader}`,
    );
  for (const [index, standing] of standings.entries()) {
    const who = names[index] ?? "";
    if (standing === undefined) {
      found.push(`${who} does not answer`);
      continue;
    }
    const { registration, resolver, leader, mirror, watched } = standing;
    if (registration !== "registered") found.push(`${who} is ${registration}`);
    if (resolver.state !== "live" || resolver.ids.join(" ") !== all)
      found.push(`the resolver of ${who} is ${resolver.state} and has ${resolver.ids.join(" ")}`);
    if (leader !== expected.leader)
      found.push(`${who} sees ${leader} lead, the store has ${expected.leader}`);
    if (mirror.state !== "live" || mirror.digest !== expected.data)
      found.push(
        `the mirror of ${who} is ${mirror.state} and ${mirror.digest}, the store is ${expected.data}`,
      );
    if (watched < expected.end)
      found.push(`the watch of ${who} is at ${watched}, the end is ${expected.end}`);
  }
  return found;
}
