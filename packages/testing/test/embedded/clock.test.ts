import { describe, expect, it, vi } from "vitest";
import { VirtualClock } from "../../src/embedded/clock.ts";

describe("VirtualClock", () => {
  it("fires a timer when real time reaches it, and not before", async () => {
    const clock = new VirtualClock();
    const start = clock.now();
    const firedAt = await new Promise<number>((resolve) => {
      clock.setTimeout(30, () => {
        resolve(clock.now());
      });
    });
    expect(firedAt - start).toBeGreaterThanOrEqual(30);
    clock.close();
  });

  it("fires due timers in the order of their times, each at its own time, without waiting", async () => {
    const clock = new VirtualClock();
    const start = clock.now();
    const fired: [string, number][] = [];
    const note = (name: string) => (): void => {
      fired.push([name, Math.round((clock.now() - start) / 1000)]);
    };
    clock.setTimeout(20_000, note("b"));
    clock.setTimeout(10_000, note("a"));
    clock.setTimeout(20_000, note("c"));
    clock.setTimeout(40_000, note("later"));
    const real = performance.now();
    await clock.advance(30_000);
    expect(performance.now() - real).toBeLessThan(5000);
    expect(fired).toEqual([
      ["a", 10],
      ["b", 20],
      ["c", 20],
    ]);
    expect(Math.round((clock.now() - start) / 1000)).toBe(30);
    await clock.advance(10_000);
    expect(fired.at(-1)).toEqual(["later", 40]);
    clock.close();
  });

  it("lets what a timer causes run before the next one: promises, new timers, timers taken back", async () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    const takeBack = clock.setTimeout(2000, () => fired.push("taken back"));
    clock.setTimeout(1000, () => {
      fired.push("first");
      void Promise.resolve()
        .then(() => new Promise((resolve) => process.nextTick(resolve)))
        .then(() => {
          fired.push("promise of the first");
          takeBack();
        });
      clock.setTimeout(500, () => fired.push("set by the first"));
    });
    clock.setTimeout(3000, () => fired.push("last"));
    await clock.advance(5000);
    expect(fired).toEqual(["first", "promise of the first", "set by the first", "last"]);
    clock.close();
  });

  it("repeats a timer that sets itself again as often as it is due", async () => {
    const clock = new VirtualClock();
    let count = 0;
    const again = (): void => {
      count++;
      clock.setTimeout(600_000, again);
    };
    clock.setTimeout(600_000, again);
    await clock.advance(3_600_500);
    expect(count).toBe(6);
    clock.close();
  });

  it("does overlapping calls of advance one after the other", async () => {
    const clock = new VirtualClock();
    const start = clock.now();
    const fired: number[] = [];
    for (const s of [1, 2, 3, 4]) clock.setTimeout(s * 1000, () => fired.push(s));
    await Promise.all([clock.advance(2000), clock.advance(2000)]);
    expect(fired).toEqual([1, 2, 3, 4]);
    expect(clock.now() - start).toBeGreaterThanOrEqual(4000);
    clock.close();
  });

  it("goes on after a timer that throws", async () => {
    const clock = new VirtualClock();
    const fired = vi.fn<() => void>();
    clock.setTimeout(1000, () => {
      throw new Error("from the timer");
    });
    clock.setTimeout(2000, fired);
    await expect(clock.advance(5000)).rejects.toThrow("from the timer");
    await clock.advance(0);
    expect(fired).toHaveBeenCalledOnce();
    clock.close();
  });

  it("takes a timer back once, and knows delays longer than Node's", async () => {
    const clock = new VirtualClock();
    const long = vi.fn<() => void>();
    const setReal = vi.spyOn(globalThis, "setTimeout");
    const cancel = clock.setTimeout(9e12, long);
    clock.setTimeout(9e12, long);
    cancel();
    cancel();
    await new Promise((resolve) => setImmediate(resolve));
    expect(long).not.toHaveBeenCalled();
    for (const [, delay] of setReal.mock.calls) expect(delay).toBeLessThan(2 ** 31);
    await clock.advance(9e12);
    expect(long).toHaveBeenCalledOnce();
    clock.close();
  });

  it("keeps the order in which timers for the same moment were set", async () => {
    vi.spyOn(performance, "now").mockReturnValue(1000);
    const clock = new VirtualClock();
    const fired: number[] = [];
    for (const i of [1, 2, 3]) clock.setTimeout(50, () => fired.push(i));
    await clock.advance(50);
    expect(fired).toEqual([1, 2, 3]);
    clock.close();
  });

  it("refuses to go back", async () => {
    const clock = new VirtualClock();
    await expect(clock.advance(-1)).rejects.toThrow("ms must be a finite number of at least 0, got -1");
    await expect(clock.advance(Number.NaN)).rejects.toThrow(TypeError);
  });
});
