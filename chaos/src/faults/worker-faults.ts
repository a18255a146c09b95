import type { Heal } from "./cluster-faults.ts";
import type { Field } from "./field.ts";
import type { WorkerFault } from "./plan.ts";

/** Begins a fault of a worker, and gives what ends it, with the name of whom it hit. */
export async function breakWorker(
  { fleet }: Field,
  { kind, worker: victim }: WorkerFault,
  forMs: number,
): Promise<{ readonly heal: Heal; readonly name: string }> {
  const worker =
    typeof victim === "number"
      ? fleet.workers[victim]
      : fleet.holder(victim === "leader" ? "leader" : "lock");
  if (worker === undefined) throw new Error("there is no such worker");
  const { name } = worker;
  switch (kind) {
    case "pause worker":
      worker.pause();
      return { name, heal: () => worker.resume() };
    case "block worker":
      worker.send({ please: "block", ms: forMs });
      return { name, heal: () => {} };
    case "kill worker":
      await worker.kill();
      return { name, heal: () => worker.start() };
  }
}
