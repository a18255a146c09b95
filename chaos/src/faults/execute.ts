import { setTimeout as sleep } from "node:timers/promises";
import type { Report } from "../report.ts";
import { breakCluster, type Heal } from "./cluster-faults.ts";
import type { Field } from "./field.ts";
import { describeFault, type Fault, isWorkerFault, type Plan, type Step } from "./plan.ts";
import { breakWorker } from "./worker-faults.ts";

/** Applies a plan, both rows at once, and heals everything. Resolves with how often each sort of fault was applied. */
export async function execute(
  plan: Plan,
  field: Field,
  report: Report,
): Promise<ReadonlyMap<string, number>> {
  const applied = new Map<string, number>();
  const start = performance.now();
  // When one row cannot go on, the other one ends as well.
  const failing = new AbortController();
  const signal = AbortSignal.any([field.signal, failing.signal]);
  const row = async (steps: readonly Step[]): Promise<void> => {
    for (const step of steps) {
      await sleep(Math.max(0, start + step.atMs - performance.now()), undefined, { signal });
      if (!(await apply(step, { ...field, signal }, report))) continue;
      applied.set(step.fault.kind, (applied.get(step.fault.kind) ?? 0) + 1);
    }
  };
  try {
    await Promise.all([row(plan.cluster), row(plan.workers)]);
  } finally {
    failing.abort();
  }
  return applied;
}

/** Whether it could be applied. What cannot be healed ends the run: nothing after it would mean anything. */
async function apply({ fault, forMs }: Step, field: Field, report: Report): Promise<boolean> {
  const start = performance.now();
  const what = describeFault(fault);
  let heal: Heal;
  try {
    heal = await begin(fault, forMs, field, (whom) => report.say(`${what}${whom} for ${forMs} ms`));
  } catch (error) {
    field.signal.throwIfAborted();
    report.say(`${what}: could not be done, ${String(error)}`);
    return false;
  }
  await sleep(Math.max(0, start + forMs - performance.now()), undefined, { signal: field.signal });
  await heal();
  return true;
}

async function begin(fault: Fault, forMs: number, field: Field, say: (whom: string) => void): Promise<Heal> {
  if (isWorkerFault(fault)) {
    const { heal, name } = await breakWorker(field, fault, forMs);
    say(`, which is ${name},`);
    return heal;
  }
  say("");
  return breakCluster(field, fault, forMs);
}
