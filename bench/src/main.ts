// This client beside its peers, in one go against one etcd. Prints ratios, and writes bench/RESULTS.md.
import { fork } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { EtcdClient } from "@quorumkit/core";
import { startEtcd } from "@quorumkit/testing";
import { CONTENDERS, type ContenderName } from "./contender.ts";
import { markdown, missed, type Result } from "./report.ts";
import { type Measurement, type Scenario, SCENARIOS, type Seed } from "./scenarios.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "3" }, only: { type: "string", default: "" } },
});
const rounds = Number(values.rounds);
const scenarios = SCENARIOS.filter(({ name }) => name.includes(values.only));
const KEYS = 10_000;
const REPLAY_EVENTS = 100_000;

async function seed(endpoint: string): Promise<Omit<Seed, "run">> {
  const etcd = new EtcdClient({ endpoints: endpoint, timeoutMs: 60_000 });
  const value = "x".repeat(64);
  const fill = async (prefix: string, count: number): Promise<bigint> => {
    const { revision } = await etcd.put(`${prefix}0`, value);
    // Each a revision of its own, 500 at a time: etcd replays up to 1,000 revisions in one answer, and what npm's etcd3
    // is sent above 4 MiB never arrives.
    for (let from = 1; from < count; from += 500) {
      const keys = Array.from(
        { length: Math.min(500, count - from) },
        (_, index) => `${prefix}${from + index}`,
      );
      await Promise.all(keys.map(async (key) => etcd.put(key, value)));
    }
    return revision;
  };
  await fill("bench/key/", KEYS);
  const replayFrom = await fill("bench/replay/", REPLAY_EVENTS);
  await etcd.close();
  return { keys: KEYS, replayFrom, replayEvents: REPLAY_EVENTS };
}

async function measure(
  contender: ContenderName,
  endpoint: string,
  scenario: Scenario,
  facts: Seed,
): Promise<Measurement> {
  const worker = fileURLToPath(new URL("./worker.js", import.meta.url));
  const sent = JSON.stringify({ ...facts, replayFrom: String(facts.replayFrom) });
  const child = fork(worker, [contender, endpoint, scenario.name, sent]);
  let measurement: Measurement | undefined;
  child.on("message", (message) => (measurement = message as Measurement));
  await once(child, "exit");
  if (measurement === undefined) throw new Error(`${contender} did not finish "${scenario.name}"`);
  return measurement;
}

await using server = await startEtcd({ args: ["--quota-backend-bytes=8589934592"] });
const facts = await seed(server.endpoint);
const results: Result[] = [];
let run = 0;
for (const scenario of scenarios) {
  const runs: Record<ContenderName, Measurement[]> = { quorumkit: [], etcd3: [], "grpc-js": [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of CONTENDERS) {
      runs[contender].push(await measure(contender, server.endpoint, scenario, { ...facts, run: run++ }));
    }
  }
  results.push({ scenario, runs });
  const shown = CONTENDERS.map(
    (name) => `${name} ${runs[name].map(({ value }) => Math.round(value)).join(" ")}`,
  );
  console.log(`${scenario.name} (${scenario.unit}): ${shown.join("; ")}`);
}
const text = markdown(results, { etcd: server.version, rounds });
console.log(`\n${text}`);
if (values.only === "") await writeFile(new URL("../RESULTS.md", import.meta.url), text);
for (const each of missed(results)) console.log(`not reached: ${each}`);
