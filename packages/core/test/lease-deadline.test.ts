import { describe, expect, it, vi } from "vitest";
import { LeaseDeadline } from "../src/lease/lease-deadline.ts";
import { type Clock, SuspendAwareClock, systemClock } from "../src/util/clock.ts";

class ManualClock implements Clock {
  ms = 1_000_000;
  now(): number {
    return this.ms;
  }
}

describe("LeaseDeadline", () => {
  it("counts from when the grant was sent, and ends before the TTL does", () => {
    const clock = new ManualClock();
    const sentAt = clock.now();
    clock.ms += 700; // the answer took this long
    const deadline = new LeaseDeadline(clock, sentAt, 10);
    expect(deadline.remainingMs).toBe(10_000 * 0.99 - 100 - 700);
    clock.ms = sentAt + 9_799;
    expect(deadline.passed).toBe(false);
    expect(deadline.remainingMs).toBe(1);
    clock.ms = sentAt + 9_800;
    expect(deadline.passed).toBe(true);
    clock.ms += 60_000;
    expect(deadline.remainingMs).toBe(0);
  });

  it("moves with each answered renewal, from when that was sent", () => {
    const clock = new ManualClock();
    const deadline = new LeaseDeadline(clock, clock.now(), 10);
    const sentAt = (clock.ms += 3_000);
    clock.ms += 2_500;
    deadline.renewed(sentAt, 10);
    expect(deadline.remainingMs).toBe(9_800 - 2_500);
  });

  it("is never shortened by an answer out of order, and follows a TTL that etcd changes", () => {
    const clock = new ManualClock();
    const start = clock.now();
    const deadline = new LeaseDeadline(clock, start, 10);
    deadline.renewed(start + 3_000, 10);
    deadline.renewed(start + 1_000, 10);
    expect(deadline.remainingMs).toBe(3_000 + 9_800);
    deadline.renewed(start + 4_000, 20);
    expect(deadline.remainingMs).toBe(4_000 + 19_700);
  });
});

describe("SuspendAwareClock", () => {
  function sources(): {
    monotonic: number;
    boot: number;
    /** How far the time of day was set, on top of what the machine has lived through. */
    set: number;
    looks: number;
    clock: SuspendAwareClock;
  } {
    const state = { monotonic: 5_000, boot: 900_000, set: 0, looks: 0 };
    const clock = new SuspendAwareClock({
      monotonicMs: () => state.monotonic,
      bootMs: () => {
        state.looks += 1;
        return state.boot;
      },
      wallMs: () => 1_700_000_000_000 + state.boot + state.set,
    });
    return Object.assign(state, { clock });
  }

  it("goes with the monotonic clock while the machine is awake", () => {
    const time = sources();
    const start = time.clock.now();
    for (let step = 1; step <= 1_000; step += 1) {
      time.monotonic += 7.3;
      // Boot time moves in steps of 10 ms.
      time.boot = 900_000 + Math.floor((step * 7.3) / 10) * 10;
      expect(time.clock.now() - start).toBeCloseTo(step * 7.3, 6);
    }
  });

  it("counts the time the machine was suspended, at once and once", () => {
    const time = sources();
    const start = time.clock.now();
    time.boot += 20_000;
    expect(time.clock.now() - start).toBe(20_000);
    expect(time.clock.now() - start).toBe(20_000);
    time.boot += 1_000;
    time.monotonic += 1_000;
    expect(time.clock.now() - start).toBe(21_000);
  });

  it("never goes back", () => {
    const time = sources();
    time.boot += 500;
    const before = time.clock.now();
    time.boot -= 400;
    expect(time.clock.now()).toBeGreaterThanOrEqual(before);
  });

  it("counts a suspension within 100 ms where the time of day was set back by as much", () => {
    const time = sources();
    const start = time.clock.now();
    time.boot += 20_000;
    time.set -= 20_000;
    time.monotonic += 100;
    time.boot += 100;
    expect(time.clock.now() - start).toBe(20_100);
  });

  it("does not count a time of day that was set", () => {
    const time = sources();
    const start = time.clock.now();
    for (const ms of [3_600_000, -7_200_000]) {
      time.set += ms;
      expect(time.clock.now() - start).toBe(0);
    }
  });

  it("reads the boot clock, which is dear, no more often than needed", () => {
    const time = sources();
    const before = time.looks;
    for (let step = 0; step < 1_000; step += 1) {
      time.monotonic += 1;
      time.boot += 1;
      time.clock.now();
    }
    expect(time.looks - before).toBe(10);
  });

  it("ends a lease over a suspend that outlasted it", () => {
    const time = sources();
    const deadline = new LeaseDeadline(time.clock, time.clock.now(), 10);
    time.boot += 20_000;
    expect(deadline.passed).toBe(true);
  });

  it("does not look at the wall clock", () => {
    const before = systemClock.now();
    vi.spyOn(Date, "now").mockReturnValue(0);
    expect(systemClock.now() - before).toBeGreaterThanOrEqual(0);
    expect(systemClock.now() - before).toBeLessThan(1_000);
  });
});
