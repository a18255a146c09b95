import PQueue from "p-queue";
import { afterEach, describe, expect, it, vi } from "vitest";
import { takeTurn } from "../src/lease/take-turn.ts";

afterEach(() => void vi.restoreAllMocks());

describe("a turn", () => {
  it("that did not come in time leaves no time, also where the timer fired before the clock was there", async () => {
    const queue = new PQueue({ concurrency: 1 });
    const before = await takeTurn(queue, 1_000, []);
    // Timers and performance.now() are not of one clock: one may be a moment ahead.
    vi.spyOn(performance, "now").mockReturnValue(0);
    const late = await takeTurn(queue, 5, []);
    expect(late.remainingMs).toBe(0);
    for (const each of [before, late]) each.end();
    await queue.onIdle();
  });

  it("that comes has the time that is left, and so has one whose caller gave up", async () => {
    const queue = new PQueue({ concurrency: 1 });
    const now = vi.spyOn(performance, "now").mockReturnValue(0);
    const first = await takeTurn(queue, 60_000, []);
    const caller = new AbortController();
    const waiting = takeTurn(queue, 60_000, []);
    const aborted = takeTurn(queue, 60_000, [caller.signal]);
    now.mockReturnValue(10_000);
    caller.abort();
    expect((await aborted).remainingMs).toBe(50_000);
    first.end();
    expect((await waiting).remainingMs).toBe(50_000);
    for (const each of [await waiting, await aborted]) each.end();
    await queue.onIdle();
  });
});
