import { describe, expect, it } from "vitest";
import type { Belief } from "../src/checks/evidence.ts";
import { checkOwnership } from "../src/checks/ownership.ts";
import { belief, broken, evidenceOf, logOf } from "./evidence.ts";

const OVERLAP = "no two holders of one lock at once, by their own claims";
const TOKENS = "fencing tokens grow from holder to holder";
const GONE = "nothing is claimed once its key is gone at the server";
const BACK = "what is lost is never claimed again";

function found(...beliefs: readonly Belief[]): string[] {
  return broken(checkOwnership(evidenceOf({ beliefs })));
}

describe("claims", () => {
  it("one after the other are right", () => {
    expect(found(belief("p", 5, 10, 20), belief("q", 6, 21, 30))).toEqual([]);
  });

  it("at once are wrong, also where the one lies within the other", () => {
    expect(found(belief("p", 5, 10, 20), belief("q", 6, 18, 30))).toEqual([OVERLAP]);
    expect(found(belief("p", 5, 10, 40), belief("q", 6, 15, 20), belief("r", 7, 30, 35))).toEqual([OVERLAP]);
  });

  it("of different locks have nothing to do with each other", () => {
    expect(found(belief("p", 5, 10, 20), { ...belief("q", 4, 10, 20), name: "b" })).toEqual([]);
  });

  it("that may only have been at once, since the process was stopped during a look, are not wrong", () => {
    const stopped = { ...belief("p", 5, 10, 20), last: [19e6, 500e6] as const };
    expect(found(stopped, belief("q", 6, 25, 30))).toEqual([]);
    const single = { ...stopped, first: stopped.last };
    expect(found(single, belief("q", 6, 25, 30))).toEqual([]);
  });

  it("with a token that is not larger than the one before are wrong", () => {
    expect(found(belief("p", 6, 10, 20), belief("q", 5, 21, 30))).toEqual([TOKENS]);
    expect(found(belief("p", 6, 10, 20), belief("q", 6, 21, 30))).toEqual([TOKENS]);
    expect(found(belief("p", 6, 10, 20), belief("q", 7, 21, 30), belief("r", 5, 31, 40))).toEqual([TOKENS]);
  });

  it("that come back are wrong", () => {
    expect(found({ ...belief("p", 5, 10, 20), isBack: true })).toEqual([BACK]);
  });

  it("are wrong when the key was seen to be gone before the look began", () => {
    const log = logOf(["a/p", "v"], ["a/p", undefined]);
    const beliefs = (untilMs: number): Belief[] => [belief("p", 2, 1, untilMs)];
    expect(broken(checkOwnership(evidenceOf({ log, beliefs: beliefs(3) })))).toEqual([]);
    expect(broken(checkOwnership(evidenceOf({ log, beliefs: beliefs(4) })))).toEqual([GONE]);
  });

  it("are left out where a member that was paused may have taken them as it woke, and only there", () => {
    const log = logOf(["a/p", "v"], ["a/p", undefined]);
    const [gone] = log.entries.slice(-1).map(({ seenAt }) => seenAt);
    const beliefs = [belief("p", 2, 1, 4)];
    log.wakings.push((gone ?? 0) - 1.5e9, (gone ?? 0) + 1);
    expect(broken(checkOwnership(evidenceOf({ log, beliefs })))).toEqual([GONE]);
    log.wakings.push((gone ?? 0) - 1);
    expect(broken(checkOwnership(evidenceOf({ log, beliefs })))).toEqual([]);
  });
});
