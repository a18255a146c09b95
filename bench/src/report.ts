import { cpus } from "node:os";
import { CONTENDERS, type ContenderName } from "./contender.ts";
import type { Measurement, Scenario } from "./scenarios.ts";

/** All runs of one scenario, by contender; the n-th runs of all belong together. */
export interface Result {
  readonly scenario: Scenario;
  readonly runs: Readonly<Record<ContenderName, readonly Measurement[]>>;
}

interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { min: sorted[0] ?? 0, median: sorted[Math.floor(sorted.length / 2)] ?? 0, max: sorted.at(-1) ?? 0 };
}

/** Pair by pair, so that a machine that became slower meanwhile slows both. */
function ratios({ runs }: Result, peer: ContenderName): Spread {
  return spreadOf(runs.quorumkit.map(({ value }, index) => value / (runs[peer][index]?.value ?? Number.NaN)));
}

const short = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(2);
const shown = ({ min, median, max }: Spread): string => `${short(median)} (${short(min)}–${short(max)})`;

export function missed(results: readonly Result[]): string[] {
  return results.flatMap((result) =>
    Object.entries(result.scenario.targets).flatMap(([peer, target]) => {
      const { median } = ratios(result, peer as ContenderName);
      return median >= target
        ? []
        : [`${result.scenario.name}: ${short(median)} times ${peer}, wanted ${target}`];
    }),
  );
}

export function markdown(
  results: readonly Result[],
  facts: { readonly etcd: string; readonly rounds: number },
): string {
  const peers = CONTENDERS.filter((name) => name !== "quorumkit");
  const ratioRows = results.map((result) => {
    const cells = peers.map((peer) => {
      const target = result.scenario.targets[peer];
      return `${shown(ratios(result, peer))}${target === undefined ? "" : `, wanted ${target}`}`;
    });
    return `| ${result.scenario.name} | ${cells.join(" | ")} |`;
  });
  const valueRows = results.map(({ scenario, runs }) => {
    const cells = CONTENDERS.map((name) => {
      const { median } = spreadOf(runs[name].map(({ value }) => value));
      const memory = spreadOf(runs[name].map(({ memoryMiB }) => memoryMiB)).median;
      return `${short(median)}, ${Math.round(memory)} MiB`;
    });
    return `| ${scenario.name} | ${scenario.unit} | ${cells.join(" | ")} |`;
  });
  return `# Benchmark

Written by \`pnpm bench\`: one etcd ${facts.etcd} for each row, on the same machine; each contender in a process of its own, ${facts.rounds} rounds in turn.
Node ${process.versions.node}, ${cpus().length} cores. Ratios are taken run by run; shown are the median and, in brackets, the least and the
greatest. Absolute figures say more about the machine than about the client.

- **quorumkit**: \`@quorumkit/core\`, reads coalesced (the default), writes coalesced (\`coalesce: { writes: true }\`)
- **etcd3**: npm \`etcd3\`
- **grpc-js**: bare \`@grpc/grpc-js\` with proto-loader's codecs

## How many times the peer

| | ${peers.join(" | ")} |
|---|${peers.map(() => "---|").join("")}
${ratioRows.join("\n")}

## What was measured, and the memory of the process at the end

| | unit | ${CONTENDERS.join(" | ")} |
|---|---|${CONTENDERS.map(() => "---|").join("")}
${valueRows.join("\n")}
`;
}
