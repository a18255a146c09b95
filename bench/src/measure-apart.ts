import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ContenderName } from "./contender.ts";
import type { Measurement, Scenario, Seed } from "./scenarios.ts";

/** A run that takes longer hangs. */
const MAX_RUN_MS = 120_000;

/** Runs one contender in one scenario in a process of its own. */
export async function measureApart(
  contender: ContenderName,
  scenario: Scenario,
  seed: Seed,
): Promise<Measurement> {
  const worker = fileURLToPath(new URL("./worker.js", import.meta.url));
  const child = fork(worker, [contender, scenario.name], {
    serialization: "advanced",
    timeout: MAX_RUN_MS,
    killSignal: "SIGKILL",
  });
  let measurement: Measurement | undefined;
  child.on("message", (message) => (measurement = message as Measurement));
  child.send(seed);
  await once(child, "exit");
  if (measurement === undefined) throw new Error(`${contender} did not finish "${scenario.name}"`);
  return measurement;
}
