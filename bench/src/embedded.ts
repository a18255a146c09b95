// The embedded etcd beside a real one: how soon it is there, and what it does in a second. `pnpm bench:embedded --rounds 3`
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { EmbeddedEtcd, startEtcd } from "@quorumkit/testing";
import { connect } from "./contender.ts";
import { measureApart } from "./measure-apart.ts";
import { SCENARIOS, type Scenario, type Seed } from "./scenarios.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "1" } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  throw new TypeError(
    `Expected --rounds to be a whole number from 1 on, got ${JSON.stringify(values.rounds)}`,
  );
}
/** Each a plain call per request, so that a second of calls is a second of the server's work. */
const CLIENT = "grpc-js";
const CHOSEN = ["get, one at a time", "put, one at a time", "get, 64 in flight", "put, 64 in flight"];
const STARTS = 5;
const seed: Omit<Seed, "endpoint"> = { keys: 1_000, replayFrom: { "1": 0n, "10": 0n }, run: 0 };

interface Server extends AsyncDisposable {
  readonly endpoint: string;
}

/** Milliseconds until it is ready, and closed again: the first time and the median of all. */
async function timeStarts(start: () => Promise<Server>): Promise<{ first: number; median: number }> {
  const times: number[] = [];
  for (let count = 0; count < STARTS; count += 1) {
    const begin = performance.now();
    const server = await start();
    times.push(performance.now() - begin);
    await server[Symbol.asyncDispose]();
  }
  return { first: times[0] ?? 0, median: median(times) };
}

async function fill(endpoint: string): Promise<void> {
  const client = await connect(CLIENT, endpoint);
  const keys = Array.from({ length: seed.keys }, (_, index) => `bench/key/${index}`);
  await Promise.all(keys.map(async (key) => client.put(key, "x".repeat(64))));
  await client.close();
}

/** With the client in a process of its own. */
async function measureFromOutside(endpoint: string, scenario: Scenario): Promise<number> {
  return (await measureApart(CLIENT, scenario, { ...seed, endpoint })).value;
}

/** With the client in this process, beside the embedded server, as a test has it. */
async function measureInside(endpoint: string, scenario: Scenario): Promise<number> {
  const client = await connect(CLIENT, endpoint);
  const { value } = await scenario.run(client, { ...seed, endpoint });
  await client.close();
  return value;
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}

const whole = (value: number): string => Math.round(value).toLocaleString("en");
const milliseconds = (value: number): string => `${value < 10 ? value.toFixed(1) : whole(value)} ms`;
const ratio = (value: number): string =>
  `${value.toLocaleString("en", { maximumSignificantDigits: 2 })} times`;

const startEmbedded = async (): Promise<EmbeddedEtcd> => EmbeddedEtcd.start({ quiet: true });
const embeddedStarts = await timeStarts(startEmbedded);
const realStarts = await timeStarts(async () => startEtcd({ quiet: true }));
await using embedded = await startEmbedded();
await using real = await startEtcd({ quiet: true });
await Promise.all([fill(embedded.endpoint), fill(real.endpoint)]);

console.log(`# Embedded etcd beside etcd ${real.version}

Node ${process.versions.node}, ${cpus().length} cores, ${rounds} ${rounds === 1 ? "round" : "rounds"}; the client is bare ${CLIENT}. Ratios are taken run by run, and the median is shown.
The real one is started by startEtcd(): found, launched, and healthy.

| | embedded | real | ratio |
|---|---|---|---|
| ready, first start of a process | ${milliseconds(embeddedStarts.first)} | ${milliseconds(realStarts.first)} | real takes ${ratio(realStarts.first / embeddedStarts.first)} as long |
| ready, median of ${STARTS} starts | ${milliseconds(embeddedStarts.median)} | ${milliseconds(realStarts.median)} | real takes ${ratio(realStarts.median / embeddedStarts.median)} as long |`);

for (const scenario of SCENARIOS.filter(({ name }) => CHOSEN.includes(name))) {
  const runs: { embedded: number; real: number; inside: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    runs.push({
      embedded: await measureFromOutside(embedded.endpoint, scenario),
      real: await measureFromOutside(real.endpoint, scenario),
      inside: await measureInside(embedded.endpoint, scenario),
    });
  }
  const row = (name: string, of: "embedded" | "inside"): string => {
    const shown = [whole(median(runs.map((run) => run[of]))), whole(median(runs.map((run) => run.real)))];
    const times = median(runs.map((run) => run[of] / run.real));
    return `| ${name}, calls/s | ${shown.join(" | ")} | ${ratio(times)} the real one |`;
  };
  const name = scenario.name.replace("get", "range of one key");
  console.log(row(name, "embedded"));
  console.log(row(`${name}, client and embedded server in one process`, "inside"));
}
