// This client beside its peers, in one go against one etcd. Prints ratios, and writes bench/RESULTS.md.
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { EtcdClient } from "@quorumkit/core";
import { startEtcd } from "@quorumkit/testing";
import { CONTENDERS, type ContenderName } from "./contender.ts";
import { measureApart } from "./measure-apart.ts";
import { markdown, missed, type Result } from "./report.ts";
import {
  type Measurement,
  REPLAY_EVENTS,
  type ReplayDensity,
  replayPrefix,
  SCENARIOS,
  type Seed,
} from "./scenarios.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "3" }, only: { type: "string", default: "" } },
});
const rounds = Number(values.rounds);
const scenarios = SCENARIOS.filter(({ name }) => name.includes(values.only));
const KEYS = 10_000;
const VALUE = "x".repeat(64);

async function seed(endpoint: string): Promise<Omit<Seed, "run">> {
  const etcd = new EtcdClient({ endpoints: endpoint, timeoutMs: 60_000 });
  /** Writes `count` keys, so many in each revision; the first revision. */
  const fill = async (prefix: string, count: number, perRevision: number): Promise<bigint> => {
    const write = async (from: number): Promise<bigint> => {
      const keys = Array.from({ length: perRevision }, (_, index) => `${prefix}${from + index}`);
      const { revision } = await etcd.putAll(keys.map((key) => [key, VALUE] as const));
      return revision;
    };
    const first = await write(0);
    const AT_ONCE = 500;
    for (let from = perRevision; from < count; from += AT_ONCE * perRevision) {
      const left = Math.ceil((count - from) / perRevision);
      const begins = Array.from(
        { length: Math.min(AT_ONCE, left) },
        (_, index) => from + index * perRevision,
      );
      await Promise.all(begins.map(write));
    }
    return first;
  };
  await fill("bench/key/", KEYS, 1);
  // What npm's etcd3 is sent above 4 MiB in one answer never arrives; 1,000 revisions of these are less.
  const replay = async (density: ReplayDensity): Promise<bigint> =>
    fill(replayPrefix(density), REPLAY_EVENTS, Number(density));
  const replayFrom = { "1": await replay("1"), "10": await replay("10") };
  await etcd.close();
  return { endpoint, keys: KEYS, replayFrom };
}

const results: Result[] = [];
let version = "";
let run = 0;
for (const scenario of scenarios) {
  // An etcd of its own for each: a million writes of one scenario are history that the next one's replay would go through.
  await using server = await startEtcd({ args: ["--quota-backend-bytes=8589934592"] });
  ({ version } = server);
  const facts = await seed(server.endpoint);
  const runs: Record<ContenderName, Measurement[]> = { quorumkit: [], etcd3: [], "grpc-js": [] };
  for (let round = 0; round < rounds; round += 1) {
    // Who comes next meets what etcd still does for the one before, so each comes first in its turn.
    const turn = round % CONTENDERS.length;
    for (const contender of [...CONTENDERS.slice(turn), ...CONTENDERS.slice(0, turn)]) {
      runs[contender].push(await measureApart(contender, scenario, { ...facts, run: run++ }));
    }
  }
  results.push({ scenario, runs });
  const shown = CONTENDERS.map(
    (name) => `${name} ${runs[name].map(({ value }) => Math.round(value)).join(" ")}`,
  );
  console.log(`${scenario.name} (${scenario.unit}): ${shown.join("; ")}`);
}
const text = markdown(results, { etcd: version, rounds });
console.log(`\n${text}`);
if (values.only === "") await writeFile(new URL("../RESULTS.md", import.meta.url), text);
for (const each of missed(results)) {
  console.error(`not reached: ${each}`);
  process.exitCode = 1;
}
