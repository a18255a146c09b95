import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Pipeline } from "../src/pipeline.ts";
import type { Outcome, StoredState } from "../src/snapshot.ts";

const state = (revision: bigint): StoredState => ({ revision, entries: new Map() });
const outcomeOf = ({ revision }: StoredState): Outcome => ({
  accepted: true,
  snapshot: { revision, documents: {} },
  changes: [],
});

/** A pipeline whose builds are finished by hand. */
function manual() {
  const builds: { state: StoredState; finish: () => void }[] = [];
  const delivered: bigint[] = [];
  const idle = vi.fn<() => void>();
  const overdue = vi.fn<() => void>();
  const pipeline = new Pipeline({
    limitMs: 1_000,
    overdue,
    build: (each) =>
      new Promise((resolve) => builds.push({ state: each, finish: () => resolve(outcomeOf(each)) })),
    deliver: (outcome) => outcome.accepted && delivered.push(outcome.snapshot.revision),
    idle,
  });
  const finish = async (): Promise<void> => {
    builds.shift()?.finish();
    await new Promise(setImmediate);
  };
  return { pipeline, builds, delivered, idle, overdue, finish };
}

const never = new AbortController().signal;

describe("the pipeline", () => {
  test("builds one state at a time and keeps only the newest of those that wait", async () => {
    const { pipeline, builds, delivered, idle, finish } = manual();
    for (const revision of [1n, 2n, 3n, 4n]) pipeline.submit(state(revision));
    expect(builds.map((build) => build.state.revision)).toEqual([1n]);
    await finish();
    expect(builds.map((build) => build.state.revision)).toEqual([4n]);
    expect(idle).not.toHaveBeenCalled();
    await finish();
    expect(delivered).toEqual([1n, 4n]);
    expect(idle).toHaveBeenCalledTimes(1);
    expect(pipeline.busy).toBe(false);
  });

  test("tells who waits for a revision when it, or a later one, has been delivered", async () => {
    const { pipeline, finish } = manual();
    let done = false;
    const waiting = pipeline.settled(2n, never).then(() => (done = true));
    pipeline.submit(state(1n));
    await finish();
    expect(done).toBe(false);
    pipeline.submit(state(3n));
    await finish();
    await waiting;
    await pipeline.settled(3n, never);
  });

  test("lets go of who waits on abort and at the end", async () => {
    const { pipeline } = manual();
    const controller = new AbortController();
    const aborted = pipeline.settled(1n, controller.signal);
    controller.abort();
    await expect(aborted).resolves.toBeUndefined();
    const waiting = pipeline.settled(1n, never);
    pipeline.stop();
    await expect(waiting).resolves.toBeUndefined();
    await expect(pipeline.settled(1n, never)).resolves.toBeUndefined();
  });

  test("says when a build takes longer than it may, and since when", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    onTestFinished(() => void vi.useRealTimers());
    const { pipeline, delivered, overdue, finish } = manual();
    const began = new Date();
    pipeline.submit(state(1n));
    vi.advanceTimersByTime(999);
    expect([pipeline.overdueSince, overdue.mock.calls.length]).toEqual([undefined, 0]);
    vi.advanceTimersByTime(1);
    expect([pipeline.overdueSince, overdue.mock.calls.length]).toEqual([began, 1]);
    pipeline.submit(state(2n));
    await finish();
    // The next has the whole time again.
    expect([pipeline.overdueSince, delivered]).toEqual([undefined, [1n]]);
    vi.advanceTimersByTime(999);
    await finish();
    expect([pipeline.overdueSince, delivered]).toEqual([undefined, [1n, 2n]]);
    pipeline.submit(state(3n));
    pipeline.stop();
    expect(vi.getTimerCount()).toBe(0);
    expect(overdue).toHaveBeenCalledTimes(1);
  });

  test("delivers nothing after it was stopped, but waits for what runs", async () => {
    const { pipeline, delivered, idle, finish } = manual();
    pipeline.submit(state(1n));
    pipeline.submit(state(2n));
    pipeline.stop();
    let ended = false;
    const ending = pipeline.idle().then(() => (ended = true));
    await new Promise(setImmediate);
    expect(ended).toBe(false);
    await finish();
    await ending;
    expect(delivered).toEqual([]);
    expect(idle).not.toHaveBeenCalled();
    pipeline.submit(state(3n));
    expect(pipeline.busy).toBe(false);
  });
});
