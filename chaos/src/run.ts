import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ProxiedCluster, startProxiedCluster } from "@quorumkit/testing";
import { check } from "./checks/check.ts";
import { converge } from "./checks/converged.ts";
import { readEvidence } from "./checks/evidence.ts";
import { type Finding, finding } from "./checks/finding.ts";
import { checkLeftBehind } from "./checks/left-behind.ts";
import { execute } from "./faults/execute.ts";
import { describeFault, type Plan, planOf } from "./faults/plan.ts";
import { Fleet } from "./fleet/fleet.ts";
import { Chronicle } from "./log/chronicle.ts";
import { Gateway } from "./log/gateway.ts";
import { HAPPENINGS, type Kind, KINDS, TTL_SECONDS } from "./names.ts";
import type { RunOptions } from "./options.ts";
import { Report } from "./report.ts";

/** Leases end after their TTL, and etcd needs a moment to see it. */
const EXPIRY_MS = TTL_SECONDS * 1_000 + 2_000;

/** A whole run: whether nothing was violated. Whatever ends it, nothing it started is left. */
export async function run(options: RunOptions, signal: AbortSignal): Promise<boolean> {
  const { seed, minutes, workers, keep } = options;
  const plan = planOf(seed, minutes, workers);
  printPlan(plan, options);
  if (options.planOnly) return true;
  const directory = await makeDirectory(keep);
  let kept = keep !== undefined;
  try {
    const good = await runIn(directory, plan, options, signal);
    kept ||= !good;
    return good;
  } catch (error) {
    kept ||= !signal.aborted;
    throw error;
  } finally {
    if (kept) console.log(`\nHistories and logs are in ${directory}`);
    else await rm(directory, { recursive: true, force: true });
  }
}

function printPlan({ cluster, workers }: Plan, { seed, minutes }: RunOptions): void {
  console.log(`Seed ${seed}, ${minutes} minutes: ${cluster.length + workers.length} faults`);
  const steps = [...cluster, ...workers].sort((a, b) => a.atMs - b.atMs);
  for (const { atMs, forMs, fault } of steps) {
    const at = (atMs / 1_000).toFixed(1);
    console.log(`  at ${at.padStart(6)} s for ${String(forMs).padStart(5)} ms: ${describeFault(fault)}`);
  }
}

async function makeDirectory(keep: string | undefined): Promise<string> {
  if (keep === undefined) return mkdtemp(join(tmpdir(), "quorumkit-chaos-"));
  await mkdir(keep, { recursive: true });
  return mkdtemp(join(resolve(keep), "run-"));
}

async function runIn(
  directory: string,
  plan: Plan,
  { seed, workers }: RunOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const report = new Report();
  const ends: string[] = [];
  report.title("What happens");
  const proxied = await startProxiedCluster(3, { signal });
  const gateways = proxied.members.map(({ server }) => new Gateway(server.endpoint));
  const chronicle = new Chronicle(gateways);
  const { log } = chronicle;
  const onFault = (text: string): void => void ends.push(text);
  const fleet = new Fleet(workers, { seed, directory, endpoints: proxied.endpoints, onFault });
  try {
    await fleet.start();
    report.say(`${workers} workers work on three members`);
    const applied = await execute(plan, { proxied, gateways, fleet, log, signal }, report);
    const findings = await conclude({ fleet, gateways, chronicle, directory, report, signal });
    report.counts("Faults applied", applied);
    const { counts } = fleet;
    report.counts("Operations done", pickCounts(counts, KINDS));
    report.counts("What the faults did to the workers", pickCounts(counts, HAPPENINGS));
    return report.findings([...findings, finding("no worker ends unasked", workers, ends)]);
  } finally {
    await keepServerLogs(directory, proxied);
    await fleet.kill();
    await chronicle.close();
    await proxied.close();
  }
}

function pickCounts(counts: ReadonlyMap<Kind, number>, kinds: readonly Kind[]): ReadonlyMap<string, number> {
  return new Map(kinds.map((kind) => [kind, counts.get(kind) ?? 0]));
}

/** The logs go with the servers, so they are written down before. */
async function keepServerLogs(directory: string, { members }: ProxiedCluster): Promise<void> {
  for (const { server } of members) await writeFile(join(directory, `${server.name}.log`), server.logs());
}

interface Conclusion {
  readonly fleet: Fleet;
  readonly gateways: readonly Gateway[];
  readonly chronicle: Chronicle;
  readonly directory: string;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Everything has healed: waits until all agree, ends the workers, and judges what they wrote down. */
async function conclude(parts: Conclusion): Promise<Finding[]> {
  const { fleet, gateways, chronicle, directory, report, signal } = parts;
  const { log } = chronicle;
  const { finding: converged, tookMs } = await converge({ fleet, gateways, log, signal });
  const agree = converged.violations.length === 0 ? "all agree" : "not all agree";
  report.say(`all faults are over; after ${(tookMs / 1_000).toFixed(1)} s ${agree}`);
  // What a killed worker has left is gone by then; what is there afterwards is of those who end in order.
  await sleep(Math.max(0, EXPIRY_MS - tookMs), undefined, { signal });
  const killed = await fleet.stop();
  await chronicle.catchUp(signal);
  report.say(`${log.entries.length} revisions were written; now the histories are read`);
  signal.throwIfAborted();
  const evidence = await readEvidence(directory, log);
  return [...check(evidence, fleet.counts), converged, checkLeftBehind(log, killed)];
}
