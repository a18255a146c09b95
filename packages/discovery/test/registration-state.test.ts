import { EtcdError } from "@quorumkit/core";
import { describe, expect, test } from "vitest";
import { type Happening, REGISTERING, type State, transition } from "../src/registration/state.ts";

const reason = new EtcdError("UNAVAILABLE", "away");
const claimed: Happening = { type: "claimed", leaseId: 7n, revision: 3n };
const REGISTERED: State = { name: "registered", leaseId: 7n, revision: 3n };

const run = (...happenings: Happening[]): State => happenings.reduce(transition, REGISTERING);

describe("the states of a registration", () => {
  test("a way through life", () => {
    expect(run(claimed)).toEqual(REGISTERED);
    expect(run(claimed, { type: "lost", reason })).toEqual({ name: "lost", reason });
    expect(run(claimed, { type: "lost", reason }, claimed)).toEqual(REGISTERED);
    expect(run(claimed, { type: "lost", reason }, { type: "taken", reason })).toEqual({
      name: "conflict",
      reason,
    });
    expect(run({ type: "taken", reason }, claimed)).toEqual(REGISTERED);
    expect(run(claimed, { type: "leave" })).toEqual({ name: "leaving" });
    expect(run(claimed, { type: "leave" }, { type: "gone" })).toEqual({ name: "closed" });
  });

  test("a failed try changes nothing", () => {
    for (const state of [
      run(),
      run(claimed),
      run(claimed, { type: "lost", reason }),
      run({ type: "leave" }),
    ]) {
      expect(transition(state, { type: "failed", reason })).toBe(state);
    }
  });

  test("only what stood can be lost", () => {
    expect(run({ type: "lost", reason })).toEqual(REGISTERING);
    expect(run({ type: "taken", reason }, { type: "lost", reason })).toEqual({ name: "conflict", reason });
  });

  test("who leaves does not come back", () => {
    expect(run(claimed, { type: "leave" }, claimed)).toEqual({ name: "leaving" });
    expect(run(claimed, { type: "leave" }, { type: "lost", reason })).toEqual({ name: "leaving" });
    expect(run(claimed, { type: "leave" }, { type: "taken", reason })).toEqual({ name: "leaving" });
  });

  test("closed is the end", () => {
    for (const happening of [
      claimed,
      { type: "lost", reason },
      { type: "leave" },
      { type: "gone" },
    ] as Happening[]) {
      expect(run({ type: "gone" }, happening)).toEqual({ name: "closed" });
    }
  });
});
