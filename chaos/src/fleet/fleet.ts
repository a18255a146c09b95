import type { Counts } from "../messages.ts";
import { HAPPENINGS, KINDS, type Kind } from "../names.ts";
import { WorkerProcess, type WorkerParts } from "./worker-process.ts";

/** All workers. */
export class Fleet {
  readonly workers: readonly WorkerProcess[];

  constructor(count: number, parts: Omit<WorkerParts, "name" | "index">) {
    this.workers = Array.from(
      { length: count },
      (_, index) => new WorkerProcess({ ...parts, name: `w${index}`, index }),
    );
  }

  async start(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.start()));
  }

  /** What all processes of all workers did. A process that is killed takes the last half second of its counts along. */
  get counts(): ReadonlyMap<Kind, number> {
    const all: readonly Counts[] = this.workers.flatMap((worker) => worker.counts);
    return new Map(
      [...KINDS, ...HAPPENINGS].map(
        (kind) => [kind, all.reduce((sum, counts) => sum + (counts[kind] ?? 0), 0)] as const,
      ),
    );
  }

  /** One that holds a lock, or leads, by its own account, and is not paused; else the first that could. */
  holder(what: "lock" | "leader"): WorkerProcess | undefined {
    const awake = this.workers.filter((worker) => worker.running && !worker.paused);
    return awake.find(({ holding }) => holding[what] > 0) ?? awake[0];
  }

  rest(): void {
    for (const worker of this.workers) worker.send({ please: "rest" });
  }

  /** The names of those that had to be killed. */
  async stop(): Promise<string[]> {
    const stopped = await Promise.all(
      this.workers.map(async (worker) => ((await worker.stop()) ? [] : [worker.name])),
    );
    return stopped.flat();
  }

  async kill(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.kill()));
  }
}
