import type { HistoryEvent } from "@quorumkit/testing/history";
import { describe, expect, it } from "vitest";
import { checkCopies } from "../src/checks/copies.ts";
import { checkGuardedWrites } from "../src/checks/guarded-writes.ts";
import { checkOutcomes } from "../src/checks/outcomes.ts";
import { TrueLog } from "../src/log/true-log.ts";
import { LOCKS } from "../src/names.ts";
import { digest } from "../src/work/digest.ts";
import { broken, evidenceOf, logOf } from "./evidence.ts";

describe("guarded writes", () => {
  const [lock] = LOCKS;
  const write = (token: number): [string, string] => [
    "chaos/guarded/x",
    JSON.stringify({ name: lock, token: String(token), by: "p" }),
  ];

  it("of the present owner are right", () => {
    const log = logOf([`${lock}/1`, ""], [`${lock}/2`, ""], write(2), [`${lock}/1`, undefined], write(3));
    expect(broken(checkGuardedWrites(evidenceOf({ log })))).toEqual([]);
  });

  it("of one who waits, or of one who was, are wrong", () => {
    const early = logOf([`${lock}/1`, ""], [`${lock}/2`, ""], write(3));
    expect(broken(checkGuardedWrites(evidenceOf({ log: early })))).toEqual([
      "guarded writes are accepted from the present owner only",
    ]);
    const late = logOf([`${lock}/1`, ""], [`${lock}/1`, undefined], [`${lock}/2`, ""], write(4), write(2));
    expect(broken(checkGuardedWrites(evidenceOf({ log: late })))).toEqual([
      "no guarded write of an old token is accepted",
      "guarded writes are accepted from the present owner only",
    ]);
  });
});

describe("what is told of a write", () => {
  const TWICE = "no write is made twice";
  const UNTRUE = "what is told of a write is what became of it";

  function found(log: TrueLog, type: HistoryEvent["type"], told?: unknown, op = "write"): string[] {
    const value = op === "cas" ? { expected: null, next: "v" } : "v";
    const common = { process: "p", id: 1, op, key: "k" };
    const events: HistoryEvent[] = [
      { ...common, time: "1", type: "invoke", value },
      { ...common, time: "2", type, value: told },
    ];
    return broken(checkOutcomes(evidenceOf({ log, history: { events, torn: [], pending: [] } })));
  }

  it("is right when it was done, when it was not, and when nobody knows", () => {
    expect(found(logOf(["k", "v"]), "ok", { revision: "2" })).toEqual([]);
    expect(found(logOf(["k", "w"]), "fail")).toEqual([]);
    expect(found(logOf(["k", "w"]), "info")).toEqual([]);
    expect(found(logOf(["k", "v"]), "info")).toEqual([]);
    expect(found(logOf(["k", "w"]), "ok", { revision: "2", swapped: false }, "cas")).toEqual([]);
  });

  it("is wrong when it was not done, was done elsewhere, or was done after all", () => {
    expect(found(logOf(["k", "w"]), "ok", { revision: "2" })).toEqual([UNTRUE]);
    expect(found(logOf(["k", "w"], ["k", "v"]), "ok", { revision: "2" })).toEqual([UNTRUE]);
    expect(found(logOf(["k", "v"]), "fail")).toEqual([UNTRUE]);
    expect(found(logOf(["k", "v"]), "ok", { revision: "2", swapped: false }, "cas")).toEqual([UNTRUE]);
  });

  it("is wrong, whatever it is, when it was done twice", () => {
    expect(found(logOf(["k", "v"], ["k", "v"]), "info")).toEqual([TWICE]);
  });
});

describe("a copy", () => {
  const log = logOf(["chaos/data/1", "a"], ["chaos/data/2", "b"], ["chaos/data/1", undefined]);

  it("is right when it is the store as it was at its revision", () => {
    const look = { process: "p", revision: 3, seen: digest(["chaos/data/1 2", "chaos/data/2 3"]) };
    expect(broken(checkCopies(evidenceOf({ log, mirrors: [look] })))).toEqual([]);
    expect(broken(checkCopies(evidenceOf({ log, mirrors: [{ ...look, revision: 4 }] })))).toEqual([
      "mirrors are the store at their revision",
    ]);
  });
});

describe("a log", () => {
  it("says itself when a revision or a version is missing", () => {
    expect(logOf(["k", "a"], ["k", "b"]).faults).toEqual([]);
    const event = { type: "put", key: "k", value: "", createRevision: 2, lease: "0" } as const;
    const gap = new TrueLog();
    gap.add({ revision: 3, events: [{ ...event, version: 1 }], seenAt: 0 });
    expect(gap.faults).toEqual(["after revision 1 came 3"]);
    const version = new TrueLog();
    version.add({ revision: 2, events: [{ ...event, version: 2 }], seenAt: 0 });
    expect(version.faults).toEqual(["put k in 2 has version 2 after 0"]);
  });
});
